// Starts one emulator for each driver, https with its own certificate authority, and counts what the drivers found.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

const START_MS = 20_000
const DRIVER_MS = 180_000
const here = new URL('.', import.meta.url).pathname
const keys = `${here}../../crates/entragate-emulator/keys/`
const python = file => [`${here}.venv/bin/python`, `${here}drivers/${file}`]
const node = file => [process.execPath, `${here}drivers/${file}`]

const DRIVERS = {
  '@azure/msal-node': node('msal-node.mjs'),
  '@azure/identity': node('azure-identity.mjs'),
  'msal': python('msal_python.py'),
  'azure-identity': python('azure_identity.py'),
  '@azure/msal-browser': node('msal-browser.mjs'),
  'jose': node('jose.mjs'),
  'PyJWT': python('pyjwt.py'),
  'jose: assertion': node('assertion.mjs'),
  'PyJWT: assertion': python('assertion.py'),
  'page': node('page.mjs'),
}

const folder = mkdtempSync(`${tmpdir()}/entragate-msal-`)
const children = new Set()
let passed = 0
let failed = 0

function stopAll() {
  for (const child of children) child.kill()
  children.clear()
}
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(name, () => process.exit(130))
process.once('exit', () => {
  stopAll()
  rmSync(folder, { recursive: true, force: true })
})

function start([command, ...args], env) {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  children.add(child)
  child.once('exit', () => children.delete(child))
  child.once('error', error => { child.failure = error })
  return child
}

/** An emulator; its address, the file with its certificate authority, and its process. */
async function emulator(name) {
  const ca = `${folder}/${name.replace(/\W+/g, '-')}.pem`
  const child = start([process.env.ENTRAGATE_BIN, 'emulate', '--port', '0', '--https', '--ca-out', ca], { PATH: process.env.PATH })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => { said += data })
  for (const giveUp = Date.now() + START_MS; Date.now() < giveUp && !child.failure && child.exitCode === null; await sleep(20)) {
    const url = /^Entra emulator on (https:\S+)$/m.exec(said)?.[1]
    if (url) return { url, ca, child, log: () => said }
  }
  throw new Error(`the emulator is not ready: ${child.failure ?? said}`)
}

function report(library, { name, ok, why }) {
  ok ? passed++ : failed++
  console.log(ok ? `ok   ${library}: ${name}` : `FAIL ${library}: ${name}\n     ${why.trimEnd().replaceAll('\n', '\n     ')}`)
}

async function drive(library, command) {
  const { url, ca, child: entra } = await emulator(library)
  const pem = `${folder}/client.pem`
  writeFileSync(pem, ['client-certificate.pem', 'client-key.pem'].map(name => readFileSync(keys + name)).join('\n'))
  const driver = start(command, {
    PATH: `${here}bin:${process.env.PATH}`, HOME: folder, BROWSER: `${here}bin/xdg-open`, SIGN_IN_AS: 'alice', EMULATOR: url,
    CHROMIUM: process.env.CHROMIUM, PEM_FILE: pem, ENTRAGATE_BIN: process.env.ENTRAGATE_BIN,
    // Nothing but the emulator's own authority makes the libraries trust it.
    NODE_EXTRA_CA_CERTS: ca, REQUESTS_CA_BUNDLE: ca, SSL_CERT_FILE: ca, PYTHONPATH: `${here}lib`, PYTHONDONTWRITEBYTECODE: '1',
  })
  let heard = 0
  let noise = ''
  driver.stderr.on('data', data => { noise += data })
  createInterface({ input: driver.stdout }).on('line', line => {
    const result = line.startsWith('{') ? JSON.parse(line) : undefined
    if (!result) return void (noise += `${line}\n`)
    heard++
    report(library, result)
  })
  const timer = setTimeout(() => driver.kill('SIGKILL'), DRIVER_MS)
  const [code, signal] = await Promise.race([once(driver, 'close'), once(driver, 'error').then(([error]) => [error.message])])
  clearTimeout(timer)
  if (code !== 0 || heard === 0) {
    report(library, { name: 'it runs to its end', ok: false, why: `exit ${code ?? signal}, ${heard} checks\n${noise.slice(-4000)}` })
  }
  entra.kill()
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter(name => !DRIVERS[name])
if (unknown.length) {
  console.error(`unknown: ${unknown.join(', ')}; there are ${Object.keys(DRIVERS).join(', ')}`)
  process.exit(2)
}
for (const [library, command] of Object.entries(DRIVERS)) {
  if (wanted.length && !wanted.includes(library)) continue
  await drive(library, command).catch(error => report(library, { name: 'it starts', ok: false, why: error.message }))
}
console.log(`\n${passed} passed, ${failed} failed`)
process.exit(failed ? 1 : 0)
