// Claude Code, through its own commands; started by claude-code.sh, which sets CLAUDE to the program.
import { execFile, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { signIn } from '../browser.mjs'
import { advance, requests } from '../lib/emulator.mjs'

const { CLAUDE, MCP_URL, HOME, EVIDENCE } = process.env
const NAME = 'entragate'
const PATIENCE_MS = 45_000

const run = promisify(execFile)
// Nothing but the MCP server is to be talked to.
process.env.CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC = '1'

async function claude(...args) {
  const { stdout } = await run(CLAUDE, args, { cwd: HOME, timeout: PATIENCE_MS })
  console.log(`$ claude ${args.join(' ')}\n${readable(stdout)}`)
  return stdout
}

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
    if (url && !visit) visit = signIn(url)
  }
  await visit
  if (terminal.exitCode === null) await once(terminal, 'exit')
  console.log(`$ claude mcp login ${NAME} --no-browser\n${readable(shown)}`)
  if (terminal.exitCode !== 0) throw new Error(`claude mcp login ended with ${terminal.exitCode}`)
}

/** Without hyperlinks, colours, cursor movements, the long URL, and where this ran. */
const readable = text => text
  .replace(/\x1b\][^\x07]*\x07/g, '')
  .replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '')
  .replace(/\r/g, '')
  .replace(/\?response_type=\S+/g, '?…')
  .replaceAll(HOME, '~')
  .replace(/ \[project: .*\]/g, '')

const isConnected = async () => (await claude('mcp', 'list')).includes('Connected')

const seen = {}
try {
  seen.version = (await claude('--version')).split(' ')[0].trim()
  await claude('mcp', 'add', '--transport', 'http', NAME, MCP_URL)
  await login()
  seen.connected = await isConnected()
  seen.logLengthAtExpiry = (await requests()).length
  await advance(7200)
  seen.connectedAfterExpiry = await isConnected()
} catch (error) {
  seen.error = `${error.stack ?? error}`
}
writeFileSync(`${EVIDENCE}/seen.json`, JSON.stringify(seen, null, 2))
process.exit(seen.error ? 1 : 0)
