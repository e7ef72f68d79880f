// The official scenarios, then the broken clients; started by run.sh.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { once } from 'node:events'
import { visit } from '../clients/browser.mjs'
import { register } from '../clients/lib/plain_client.mjs'
import { freePort, start, until } from '../clients/lib/processes.mjs'
import { parsed, readIfThere } from '../clients/lib/stage.mjs'
import { BROKEN } from './broken.mjs'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const SUITE = `${HERE}node_modules/@modelcontextprotocol/conformance/dist/index.js`
const MODES = ['broker', 'relay']
const PATIENCE_MS = 60_000
const BARE = { PATH: process.env.PATH, LANG: 'C.UTF-8' }

let passed = 0
let failed = 0
function verdict(name, why) {
  why ? failed++ : passed++
  console.log(why ? `FAIL  ${name}: ${why}` : `ok    ${name}`)
}

async function demo(state, mode) {
  const readyFile = `${state}/${mode}.json`
  const logFile = `${state}/${mode}.log`
  const args = ['demo', '--mode', mode, '--listen', '127.0.0.1:0', '--emulator', '127.0.0.1:0', '--ready-file', readyFile]
  const child = start(process.env.ENTRAGATE_BIN, args, { env: BARE, logFile })
  return until(() => parsed(readIfThere(readyFile)), { child, logFile, milliseconds: 20_000, what: `demo --mode ${mode}` })
}

/** The suite prints the authorize URL and waits at its own callback; the scripted browser signs in as bob. */
async function suite(state, mode) {
  const { base_url, mcp_url } = await demo(state, mode)
  const port = await freePort()
  const client = await register(base_url, `http://127.0.0.1:${port}/callback`)
  const args = [SUITE, 'authorization', '--url', base_url, '--client-id', client, '--resource', mcp_url, '-p', `${port}`, '-o', `${state}/results-${mode}`]
  const child = spawn(process.execPath, args, { cwd: state, env: BARE, stdio: ['ignore', 'pipe', 'pipe'] })
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
  const lines = []
  let signedIn
  const hear = line => {
    lines.push(line)
    const url = /https?:\/\/\S+\/authorize\?\S+/.exec(line)?.[0]
    if (url) signedIn ??= visit(url, 'bob').catch(error => lines.push(`browser: ${error.message}`))
  }
  createInterface({ input: child.stderr }).on('line', hear)
  createInterface({ input: child.stdout }).on('line', hear)
  const [code] = await once(child, 'exit')
  clearTimeout(timer)
  await signedIn
  const report = lines.slice(-40).join('\n')
  console.log(`\n${mode} mode\n${report}`)
  const counts = /(\d+) passed, (\d+) failed/.exec(report)
  verdict(`conformance authorization, ${mode} mode`, code === 0 && !/✗/.test(report) ? undefined : `exit code ${code}${counts ? `, ${counts[0]}` : ''}`)
  return { base_url, mcp_url }
}

async function main() {
  mkdirSync(`${HERE}.state`, { recursive: true })
  const state = mkdtempSync(`${HERE}.state/run-`)
  let broker
  for (const mode of MODES) {
    const world = await suite(state, mode)
    if (mode === 'broker') broker = world
  }
  console.log('\nbroken clients')
  for (const [name, run] of Object.entries(BROKEN)) {
    verdict(name, await Promise.resolve(run(broker)).catch(error => error.message))
  }
  if (failed === 0) rmSync(state, { recursive: true })
  else console.log(`logs: ${state}`)
}

await main().catch(error => {
  console.error(error)
  failed++
})
console.log(`\n${passed} passed, ${failed} failed`)
process.exit(failed ? 1 : 0)
