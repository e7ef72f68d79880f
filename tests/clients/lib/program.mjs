// Clients that are programs of their own: run through their own commands, and what they print is kept as evidence.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { once } from 'node:events'

const { HOME, EVIDENCE } = process.env
export const PATIENCE_MS = 100_000

/** Runs a command of `file` to its end and gives what it printed; it fails as the command does, with what it `printed`, or as its browser does. */
export const program = (name, file) => async (...args) => {
  const child = spawn(file, args, { cwd: HOME, timeout: PATIENCE_MS, stdio: ['ignore', 'pipe', 'pipe'] })
  let shown = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => { shown += chunk })
  // What the browser could not do nobody else will: the command would wait for its callback.
  const watch = setInterval(() => browserTrouble() && child.kill(), 200)
  const [code] = await once(child, 'close')
  clearInterval(watch)
  console.log(`$ ${name} ${args.join(' ')}\n${readable(shown)}`)
  if (browserTrouble()) throw new Error('the browser came to no callback')
  if (code !== 0) throw Object.assign(new Error(`${name} ${args.join(' ')} ended with ${code}`), { printed: readable(shown) })
  return shown
}

const browserTrouble = () => existsSync(`${EVIDENCE}/browser.log`) && readFileSync(`${EVIDENCE}/browser.log`, 'utf8')

/** Without hyperlinks, colours, cursor movements, spinners, the long URL, and where this ran. */
export const readable = text => text
  .replace(/\x1b\][^\x07]*\x07/g, '')
  .replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '')
  .replace(/[◒◐◓◑] [^◒◐◓◑◇■\n]*/g, '')
  .replace(/\r/g, '')
  .replace(/\?response_type=\S+/g, '?…')
  .replaceAll(HOME, '~')
  .replace(/ \[project: .*\]/g, '')
