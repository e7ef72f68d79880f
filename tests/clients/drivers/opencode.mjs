// opencode, through its own commands; started by evidence.sh, which sets OPENCODE to the program.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { advance, requests } from '../lib/emulator.mjs'
import { conversations } from '../lib/conversation.mjs'
import { model } from '../lib/model.mjs'
import { observe } from '../lib/observer.mjs'
import { program } from '../lib/program.mjs'

const { OPENCODE, MCP_URL, HOME, EVIDENCE } = process.env
const NAME = 'entragate'

process.env.OPENCODE_DISABLE_MODELS_FETCH = '1'

// A model of this machine, under the one kind of provider that takes any URL.
const SCRIPTED = baseURL => ({
  npm: '@ai-sdk/openai-compatible',
  options: { baseURL, apiKey: 'none' },
  models: { scripted: { name: 'scripted', tool_call: true } },
})

/**
 * The server, and what says that a package which every command would install in the background is there: a command that ends
 * before its installation does leaves a lock behind.
 */
function configure(modelUrl) {
  const folder = `${HOME}/.config/opencode`
  mkdirSync(`${folder}/node_modules`, { recursive: true })
  const write = (name, content) => writeFileSync(`${folder}/${name}`, JSON.stringify(content))
  const installed = { dependencies: { '@opencode-ai/plugin': '*' } }
  write('package.json', installed)
  write('package-lock.json', { packages: { '': installed } })
  write('opencode.json', { autoupdate: false, mcp: { [NAME]: { type: 'remote', url: MCP_URL } }, provider: { scripted: SCRIPTED(modelUrl) } })
}

const run = program('opencode', OPENCODE)

/**
 * One command. Some end while they hold the lock of the stored tokens, for which the next one would wait a minute, until the lock counts as
 * forgotten, and give up on the server in the meantime.
 */
async function opencode(...args) {
  try {
    return await run(...args)
  } finally {
    rmSync(`${HOME}/.local/state/opencode/locks`, { recursive: true, force: true })
  }
}

/** What `mcp list` says after the name; each list connects anew. */
const isConnected = async () => new RegExp(`✓ ${NAME} (\\x1b\\S*m)?connected`).test(await opencode('mcp', 'list'))

const seen = {}
try {
  await observe()
  const scripted = await model()
  configure(scripted.url)
  seen.version = (await opencode('--version')).trim()
  await opencode('mcp', 'auth', NAME)
  await opencode('mcp', 'auth', 'list')
  seen.connected = await isConnected()
  await conversations(seen, scripted, {
    converse: () => opencode('run', '--title', 'calls', '--model', 'scripted/scripted', 'Do what you are here for.'),
    // It would ask whether to, in a terminal.
    signIn: async () => {
      await opencode('mcp', 'logout', NAME)
      return opencode('mcp', 'auth', NAME)
    },
  })
  seen.logLengthAtExpiry = (await requests()).length
  await advance(7200)
  seen.connectedAfterExpiry = await isConnected()
} catch (error) {
  seen.error = `${error.stack ?? error}`
}
writeFileSync(`${EVIDENCE}/seen.json`, JSON.stringify(seen, null, 2))
process.exit(seen.error ? 1 : 0)
