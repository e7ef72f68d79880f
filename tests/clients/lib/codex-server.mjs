// `codex app-server`, what its editor extension talks to: JSON-RPC, one message a line. It calls tools without a model.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** Starts it: `{ ask(method, params) -> result, close() }`. */
export async function codexServer(file, cwd) {
  const child = spawn(file, ['app-server'], { cwd, stdio: ['pipe', 'pipe', 'inherit'] })
  const waiting = new Map()
  createInterface({ input: child.stdout }).on('line', line => {
    const { id, result, error } = JSON.parse(line)
    const asked = waiting.get(id)
    if (error) asked?.reject(new Error(error.message))
    else asked?.resolve(result)
    waiting.delete(id)
  })
  child.once('exit', code => {
    for (const { reject } of waiting.values()) reject(new Error(`codex app-server ended with ${code}`))
  })
  const send = message => child.stdin.write(`${JSON.stringify(message)}\n`)
  let last = 0
  const ask = (method, params = {}) => new Promise((resolve, reject) => {
    waiting.set(++last, { resolve, reject })
    send({ id: last, method, params })
  })
  await ask('initialize', { clientInfo: { name: 'tests', version: '1.0.0' } })
  send({ method: 'initialized' })
  return { ask, close: () => child.kill() }
}
