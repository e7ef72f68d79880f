// The programs in docs/reference/emulator.md, as they stand there; only the address is replaced.
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { EMULATOR } from '../lib/entra.mjs'
import { assert, check } from '../lib/checks.mjs'

const PRINTS = {
  'sign-in.mjs': /^alice@contoso\.test ey/,
  'sign_in.py': /^alice@contoso\.test ey/,
  'daemon.mjs': /^ey/,
  'daemon.py': /^ey/,
  'api.mjs': /^alice@contoso\.test \[ 'Admin' \]/,
}

const here = new URL('..', import.meta.url).pathname
const page = readFileSync(`${here}../../docs/reference/emulator.md`, 'utf8')
const programs = [...page.matchAll(/^```(?:js|python)\n(?:\/\/|#) (\S+), with [^\n]*\n(.*?)^```$/gms)]

// Below node_modules' folder, or the programs would not find their libraries.
const folder = `${here}.page`
mkdirSync(folder, { recursive: true })
for (const [, name, text] of programs) {
  await check(name, async () => {
    const file = `${folder}/${name}`
    writeFileSync(file, text.replaceAll('https://localhost:8400', EMULATOR).replaceAll('localhost:8400', new URL(EMULATOR).host))
    const command = name.endsWith('.py') ? `${here}.venv/bin/python` : process.execPath
    const child = spawn(command, [file], { stdio: ['ignore', 'pipe', 'pipe'] })
    let [said, complained] = ['', '']
    child.stdout.on('data', data => { said += data })
    child.stderr.on('data', data => { complained += data })
    const [code] = await once(child, 'close')
    assert.equal(code, 0, complained)
    assert.match(said, PRINTS[name])
  })
}
await check('the page has every program', () => {
  assert.deepEqual(programs.map(([, name]) => name).sort(), Object.keys(PRINTS).sort())
})
rmSync(folder, { recursive: true, force: true })
