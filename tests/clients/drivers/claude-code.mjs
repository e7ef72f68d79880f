// Claude Code, through its own commands; started by evidence.sh, which sets CLAUDE to the program.
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { signIn } from '../browser.mjs'
import { advance, requests } from '../lib/emulator.mjs'
import { conversations } from '../lib/conversation.mjs'
import { model } from '../lib/model.mjs'
import { observe } from '../lib/observer.mjs'
import { PATIENCE_MS, program, readable } from '../lib/program.mjs'

const { CLAUDE, MCP_URL, HOME, EVIDENCE } = process.env
const NAME = 'entragate'

const claude = program('claude', CLAUDE)

/** `claude mcp login` wants a terminal; the URL that it shows is opened by the scripted browser. */
async function login() {
  const command = `'${CLAUDE}' mcp login ${NAME} --no-browser`
  const terminal = spawn('script', ['--quiet', '--flush', '--return', '--command', command, '/dev/null'], {
    cwd: HOME,
    timeout: PATIENCE_MS,
    stdio: ['pipe', 'pipe', 'inherit'], // an input that stays open: at its end the login gives up
  })
  let shown = ''
  let visit
  for await (const chunk of terminal.stdout) {
    shown += chunk
    // The URL is shown as a terminal hyperlink: between control characters.
    const url = /https?:\/\/[^\s\x07\x1b]+\/authorize\?[^\s\x07\x1b]+(?=[\s\x07\x1b])/.exec(shown)?.[0]
    // A browser that fails ends the login too: else both would wait.
    if (url && !visit) visit = signIn(url).catch(error => { terminal.kill(); return error })
  }
  const trouble = await visit
  if (trouble) throw trouble
  if (terminal.exitCode === null) await once(terminal, 'exit')
  console.log(`$ claude mcp login ${NAME} --no-browser\n${readable(shown)}`)
  if (terminal.exitCode !== 0) throw Object.assign(new Error(`claude mcp login ended with ${terminal.exitCode}`), { printed: readable(shown) })
  return shown
}

/** One conversation with the scripted model, in which it may call every tool of the server. */
const converse = url => {
  // Tools that are searched for would not be in the first question to the model.
  Object.assign(process.env, { ENABLE_TOOL_SEARCH: 'false', ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: 'none', CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1' })
  return claude('-p', 'Do what you are here for.', '--allowedTools', `mcp__${NAME}`)
}

const isConnected = async () => (await claude('mcp', 'list')).includes('Connected')

const seen = {}
try {
  await observe()
  seen.version = (await claude('--version')).split(' ')[0].trim()
  await claude('mcp', 'add', '--transport', 'http', NAME, MCP_URL)
  await login()
  seen.connected = await isConnected()
  const scripted = await model()
  await conversations(seen, scripted, { converse: () => converse(scripted.url), signIn: login })
  seen.logLengthAtExpiry = (await requests()).length
  await advance(7200)
  seen.connectedAfterExpiry = await isConnected()
} catch (error) {
  seen.error = `${error.stack ?? error}`
}
writeFileSync(`${EVIDENCE}/seen.json`, JSON.stringify(seen, null, 2))
process.exit(seen.error ? 1 : 0)
