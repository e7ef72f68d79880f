// What the browser visits, each on a free port of the loopback interface; everything ends with the run.
import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const START_MS = 20_000
const children = new Set()

/** Starts `entragate` with these arguments; resolves with what `ready` finds in its output so far. */
export async function entragate(args, ready) {
  const child = spawn(process.env.ENTRAGATE_BIN, args, { env: { PATH: process.env.PATH }, stdio: ['ignore', 'pipe', 'pipe'] })
  children.add(child)
  let said = ''
  let failure
  child.on('error', error => { failure = error.message })
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => { said += data })
  for (const giveUp = Date.now() + START_MS; Date.now() < giveUp && !failure && child.exitCode === null; await sleep(20)) {
    const found = ready(said)
    if (found) return found
  }
  throw new Error(`entragate ${args[0]} is not ready: ${failure ?? `exit code ${child.exitCode}`}\n${said}`)
}

/** An emulator; resolves with its address. */
export const emulator = (...args) =>
  entragate(['emulate', '--port', '0', ...args], said => /^Entra emulator on (http:\S+)$/m.exec(said)?.[1])

/** The demo in this mode; resolves with what is in its ready file. */
export function demo(folder, mode, ...more) {
  const file = `${folder}/${mode}.json`
  const args = ['demo', '--mode', mode, '--listen', '127.0.0.1:0', '--emulator', '127.0.0.1:0', '--ready-file', file, ...more]
  return entragate(args, () => {
    try {
      return JSON.parse(readFileSync(file, 'utf8'))
    } catch {
      return undefined
    }
  })
}

/** The application that people come back to. `take()` gives the parameters it got since the last call. */
export async function callback() {
  let got = []
  const server = createServer(async (request, response) => {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    const url = new URL(request.url, 'http://localhost')
    if (url.pathname === '/callback') {
      const text = request.method === 'POST' ? Buffer.concat(chunks).toString() : url.searchParams
      const parameters = [...new URLSearchParams(text)]
      got.push({ method: request.method, names: parameters.map(([name]) => name), ...Object.fromEntries(parameters) })
    }
    response.setHeader('content-type', 'text/html; charset=utf-8')
    response.end('<!doctype html><html lang="en"><title>Application</title><h1>Back at the application</h1></html>')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  server.unref()
  const take = () => {
    const taken = got
    got = []
    return taken
  }
  return { url: `http://localhost:${server.address().port}/callback`, take }
}

/** Ends everything that was started. */
export function stopAll() {
  for (const child of children) child.kill()
  children.clear()
}

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(name, () => process.exit(130))
process.once('exit', stopAll)
