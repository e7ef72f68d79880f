// Child processes that end with the run, whatever happens.
import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

const groups = new Set()

/** Starts a program in a process group of its own, its output going to `logFile`. */
export function start(command, args, { env, logFile }) {
  const log = openSync(logFile, 'a')
  const child = spawn(command, args, { env, detached: true, stdio: ['ignore', log, log] })
  closeSync(log)
  groups.add(child.pid)
  child.once('exit', () => signal(child.pid, 'SIGTERM'))
  child.once('error', error => { child.failure = error })
  return child
}

/** Waits for a program to end; kills it when it takes longer. The exit code, or why there is none. */
export async function finish(child, milliseconds) {
  const timer = setTimeout(() => signal(child.pid, 'SIGKILL'), milliseconds)
  const [code, killer] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode]
  clearTimeout(timer)
  return code ?? `killed (${killer}), after at most ${milliseconds / 1000} s`
}

/** Polls until `ready` gives something; a program that ended instead, or too much time, is an error with its log. */
export async function until(ready, { child, logFile, milliseconds, what }) {
  const giveUp = Date.now() + milliseconds
  for (;;) {
    const result = await ready()
    if (result) return result
    const why = child.failure?.message ?? (child.exitCode !== null ? `it ended with ${child.exitCode}` : undefined)
    if (why || Date.now() > giveUp) {
      throw new Error(`${what} is not ready: ${why ?? `not within ${milliseconds / 1000} s`}\n${tail(logFile)}`)
    }
    await sleep(50)
  }
}

/** The end of a log. */
export const tail = (logFile, lines = 40) => readFileSync(logFile, 'utf8').split('\n').slice(-lines).join('\n')

/** A port that was free a moment ago. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/** Ends everything that was started. */
export function stopAll() {
  for (const pid of groups) signal(pid, 'SIGTERM')
  groups.clear()
}

function signal(pid, name) {
  try {
    process.kill(-pid, name)
  } catch {
    // The group is gone already.
  }
}

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(name, () => process.exit(130))
process.once('exit', stopAll)
