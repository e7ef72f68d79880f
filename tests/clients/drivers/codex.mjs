// Codex: signs in by its own command, lists and calls by its app server; started by evidence.sh, which sets CODEX to the
// program.
import { existsSync, writeFileSync } from 'node:fs'
import { codexServer } from '../lib/codex-server.mjs'
import { conversations } from '../lib/conversation.mjs'
import { model } from '../lib/model.mjs'
import { observe } from '../lib/observer.mjs'
import { program } from '../lib/program.mjs'
import { session } from '../lib/session.mjs'

const { CODEX, MCP_URL, HOME } = process.env
const NAME = 'entragate'
const TOKENS = `${HOME}/.credentials.json`

process.env.CODEX_HOME = HOME
const scripted = await model()
// Tokens in a file: never the keyring of whoever runs this. And the scripted model, which may call every tool unasked.
writeFileSync(`${HOME}/config.toml`, `
mcp_oauth_credentials_store = "file"
model = "scripted"
model_provider = "scripted"

[model_providers.scripted]
name = "scripted"
base_url = "${scripted.url}"
wire_api = "responses"

[mcp_servers.${NAME}]
url = "${MCP_URL}"
default_tools_approval_mode = "approve"
`)

await observe()
const codex = program('codex', CODEX)
const version = (await codex('--version')).trim().split(' ').at(-1)

const signIn = () => codex('mcp', 'login', NAME)

await session(version, async seen => {
  await signIn()
  if (!existsSync(TOKENS)) throw new Error('no tokens were stored')
  await codex('mcp', 'list')
  await conversations(seen, scripted, {
    converse: () => codex('exec', '--skip-git-repo-check', 'Do what you are here for.'),
    signIn,
  })
  const server = await codexServer(CODEX, HOME)
  const { thread } = await server.ask('thread/start')
  const call = { threadId: thread.id, server: NAME }
  return {
    listTools: async () => {
      const { data } = await server.ask('mcpServerStatus/list')
      return Object.keys(data.find(({ name }) => name === NAME).tools)
    },
    // It knows which tools are listed and refuses others itself.
    callTool: (tool, args) => server.ask('mcpServer/tool/call', { ...call, tool, arguments: args })
      .catch(({ message }) => ({ isError: true, content: [{ text: message }] })),
    close: () => server.close(),
  }
})
