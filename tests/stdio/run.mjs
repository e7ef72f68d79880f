// Sessions with stdio servers through the gateway, compared with the same servers over HTTP; started by run.sh.
import { randomBytes } from 'node:crypto'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { finish, freePort, start, tail, until } from '../clients/lib/processes.mjs'
import { readIfThere } from '../clients/lib/stage.mjs'
import { differences } from '../dataplane/lib/difference.mjs'
import { session } from '../dataplane/lib/session.mjs'
import { BARE, HERE as DATAPLANE, server, stateFolder } from '../dataplane/lib/stage.mjs'
import { judged, verdict } from '../dataplane/lib/verdicts.mjs'
import { EVERYTHING, everything, python } from '../dataplane/upstreams.mjs'

const TENANT = '11111111-1111-1111-1111-111111111111'
const API = 'a0000000-0000-4000-8000-000000000001'
const MCP = 'c0000000-0000-4000-8000-000000000003'
const START_MS = 120_000
/** npx downloads before it starts anything; more than any client would wait. */
const DOWNLOAD_MS = 300_000
const GONE_MS = 15_000
/** What npm is told by the environment of the machine: which registry, which proxy, which certificates. */
const NPM = { npm_config_cache: fileURLToPath(new URL('.npm', import.meta.url)), ...Object.fromEntries(Object.entries(process.env).filter(([name]) => /^(npm_config_|https?_proxy$|no_proxy$|NODE_EXTRA_CA_CERTS$)/i.test(name))) }

const { version } = JSON.parse(readFileSync(`${DATAPLANE}node_modules/@modelcontextprotocol/server-everything/package.json`, 'utf8'))
const SERVERS = {
  'server-everything': { command: `'${process.execPath}' '${EVERYTHING}' stdio`, clients: ['typescript', 'python'] },
  'npx -y server-everything': { command: `npx -y @modelcontextprotocol/server-everything@${version}`, clients: ['typescript'] },
}

const state = stateFolder()
const plan = { ...everything }
const pythonPlan = { calls: everything.calls.slice(0, 3), prompts: everything.prompts, resources: everything.resources }
const hold = {
  typescript: (url, token) => session(url, token, plan),
  python: (url, token) => python(state, url, token, pythonPlan),
}

/** An emulated Entra. */
async function entra() {
  const port = await freePort()
  const logFile = `${state}/entra.log`
  const child = start(process.env.ENTRAGATE_BIN, ['emulate', '--port', `${port}`], { env: BARE, logFile })
  const url = `http://127.0.0.1:${port}`
  await until(() => fetch(`${url}/__emulator`).then(answer => answer.ok, () => false), { child, logFile, milliseconds: START_MS, what: 'entragate emulate' })
  return url
}

async function token(authority) {
  const answer = await fetch(`${authority}/__emulator/tokens`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })
  return (await answer.json()).token
}

/** A gateway that starts its server itself. `marker`: in the environment of every process that it starts. */
async function gateway(name, authority, command, marker) {
  const port = await freePort()
  const [config, logFile] = [`${state}/${name}.toml`, `${state}/${name}.log`]
  const environment = [...Object.keys(NPM), `STDIO_SUITE=${marker}`]
  writeFileSync(config, `listen = "127.0.0.1:${port}"\nbase_url = "http://localhost:${port}"\n
[entra]\ntenant_id = "${TENANT}"\nclient_id = "${API}"\nmcp_client_id = "${MCP}"\nauthority_host = "${authority}"\n
[upstream]\nurl = "stdio: ${command}"\nenvironment = ${JSON.stringify(environment)}\n
[[rules]]\ntools = ["*"]\nprompts = ["*"]\nresources = ["*"]\nmethods = ["*"]\n`)
  const env = { ...BARE, ...NPM, HOME: process.env.HOME, ENTRAGATE_CONFIG: config }
  const child = start(process.env.ENTRAGATE_BIN, ['serve'], { env, logFile })
  await until(() => readIfThere(logFile)?.includes(' serves'), { child, logFile, milliseconds: START_MS, what: 'entragate serve' })
  return { url: `http://localhost:${port}/mcp`, child }
}

/** Has npx install what it is to start: with its input closed the server ends at once. */
async function download(command) {
  const logFile = `${state}/download.log`
  const [program, ...args] = command.split(' ')
  const env = { ...BARE, ...NPM, HOME: process.env.HOME }
  const code = await finish(start(program, args, { env, logFile }), DOWNLOAD_MS)
  if (code !== 0) throw new Error(`${command} ended with ${code}\n${tail(logFile)}`)
}

/** Processes with the marker in their environment, without the gateway, which has none. */
function marked(marker) {
  return readdirSync('/proc').filter(id => /^\d+$/.test(id)).filter(id => {
    try {
      return readFileSync(`/proc/${id}/environ`, 'utf8').includes(`STDIO_SUITE=${marker}`)
    } catch {
      return false // it has ended in between, or is nobody's business
    }
  })
}

/** What is still there after its time. */
async function left(marker) {
  const giveUp = Date.now() + GONE_MS
  while (marked(marker).length > 0) {
    if (Date.now() > giveUp) return `processes ${marked(marker).join(', ')} are still there`
    await sleep(50)
  }
}

async function main() {
  const direct = await server(state, { name: 'server-everything', command: process.execPath, args: [EVERYTHING, 'streamableHttp'], path: '/mcp' })
  const authority = await entra()
  for (const [name, { command, clients }] of Object.entries(SERVERS)) {
    if (command.startsWith('npx ')) await download(command)
    const marker = randomBytes(8).toString('hex')
    const { url, child } = await gateway(name.replaceAll(/[^a-z]+/g, '-'), authority, command, marker)
    for (const client of clients) {
      const [expected, seen] = [await hold[client](direct), await hold[client](url, await token(authority))]
      // The server itself answers 400, where the transport asks for 404.
      if (expected['the session after its end']) expected['the session after its end'] = { status: 404 }
      verdict(`${name}, ${client}`, differences(expected, seen).join('\n      '))
    }
    // The Python client ends its session, the TypeScript one has.
    verdict(`${name}, a session that was ended leaves no process`, await left(marker))
    const open = await fetch(url, initialize(await token(authority)))
    verdict(`${name}, a session without an end has a process`, open.ok && marked(marker).length > 0 ? '' : `${open.status}, ${marked(marker).length} processes`)
    child.kill('SIGTERM')
    const code = await finish(child, GONE_MS)
    verdict(`${name}, a stopped gateway leaves no process`, code === 0 ? await left(marker) : `it ended with ${code}`)
  }
}

const initialize = token => ({
  method: 'POST',
  headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
  body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'suite', version: '1' } } }),
})

await judged(state, main)
