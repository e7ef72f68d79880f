// Everything that is compared, direct and through the gateway; started by run.sh.
import { rmSync } from 'node:fs'
import { conformance } from './conformance.mjs'
import { HERE, server, stateFolder } from './lib/stage.mjs'
import { upstreams } from './upstreams.mjs'

let passed = 0
let failed = 0
function verdict(name, why) {
  why ? failed++ : passed++
  console.log(why ? `FAIL  ${name}: ${why}` : `ok    ${name}`)
}

/** The conformance suite against a server that is running already, or against ours. */
async function judged(url) {
  const program = { name: 'reference-for-the-suite', command: process.execPath, args: [`${HERE}servers/reference/main.mjs`], path: '/mcp' }
  await conformance(url ?? (await server(state, program)), state, verdict)
}

const PARTS = { conformance: judged, upstreams: wanted => upstreams(state, verdict, wanted) }
const [part, which] = process.argv.slice(2)
const state = stateFolder()
try {
  for (const [name, run] of Object.entries(PARTS)) if (!part || part === name) await run(which)
} catch (error) {
  console.error(error)
  failed++
}
if (failed === 0) rmSync(state, { recursive: true })
else console.log(`logs: ${state}`)
console.log(`\n${passed} passed, ${failed} failed`)
process.exit(failed ? 1 : 0)
