// The servers, and a gateway in front of one.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { fileURLToPath } from 'node:url'
import { freePort, start, until } from '../../clients/lib/processes.mjs'
import { parsed, readIfThere } from '../../clients/lib/stage.mjs'

/** This folder, with a slash at the end. */
export const HERE = fileURLToPath(new URL('..', import.meta.url))

/** Only what a program needs: nothing of the caller's environment can decide a result. */
export const BARE = { PATH: process.env.PATH, LANG: 'C.UTF-8' }
const START_MS = 120_000

/** A new folder for logs and results. */
export function stateFolder() {
  mkdirSync(`${HERE}.state`, { recursive: true })
  return mkdtempSync(`${HERE}.state/run-`)
}

/** Starts an MCP server, which finds its port in `PORT` or at the end of its arguments, and waits until it answers. */
export async function server(state, { name, command, args, path, portArgument }) {
  const port = await freePort()
  const logFile = `${state}/${name}.log`
  const all = portArgument ? [...args, portArgument, `${port}`] : args
  const child = start(command, all, { env: { ...BARE, PORT: `${port}` }, logFile })
  const url = `http://127.0.0.1:${port}${path}`
  await until(() => answers(url), { child, logFile, milliseconds: START_MS, what: name })
  return url
}

/** Whether anything answers, over a connection of its own: one that stayed open would be closed when it is needed. */
const answers = url => new Promise(resolve => {
  const request = get(url, { agent: false, timeout: 2000 }, () => {
    request.destroy() // a stream that nobody reads
    resolve(true)
  })
  request.once('timeout', () => request.destroy())
  request.once('error', () => resolve(false))
})

/** Rules that allow everything, so that messages are judged and lists filtered, and nothing is missing. */
const ALL = `
[[rules]]
tools = ["*"]
prompts = ["*"]
resources = ["*"]
methods = ["*"]
`

/** Starts the emulated Entra and a gateway in front of `upstream`, with a token for it. */
export async function gateway(state, { name, upstream, also = [], rules = ALL }) {
  const readyFile = `${state}/${name}.json`
  const logFile = `${state}/${name}.log`
  const config = `${state}/${name}.toml`
  writeFileSync(config, (also.length ? `[upstream]\nalso = ${JSON.stringify(also)}\n` : '') + rules)
  const args = ['demo', '--listen', '127.0.0.1:0', '--emulator', '127.0.0.1:0', '--upstream', upstream, '--config', config, '--ready-file', readyFile]
  const child = start(process.env.ENTRAGATE_BIN, args, { env: BARE, logFile })
  const demo = await until(() => parsed(readIfThere(readyFile)), { child, logFile, milliseconds: START_MS, what: 'entragate demo' })
  return { url: demo.mcp_url, token: await mint(demo.emulator_url) }
}

async function mint(emulator) {
  const answer = await fetch(`${emulator}/__emulator/tokens`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })
  if (!answer.ok) throw new Error(`the emulator minted no token: ${await answer.text()}`)
  const { token } = await answer.json()
  return token
}
