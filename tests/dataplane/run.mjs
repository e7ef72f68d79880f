// Everything that is compared, direct and through the gateway; started by run.sh.
import { conformance } from './conformance.mjs'
import { HERE, server, stateFolder } from './lib/stage.mjs'
import { judged, verdict } from './lib/verdicts.mjs'
import { refusals } from './refusals.mjs'
import { upstreams } from './upstreams.mjs'

/** The conformance suite against a server that is running already, or against ours. */
async function suite(url) {
  const program = { name: 'reference-for-the-suite', command: process.execPath, args: [`${HERE}servers/reference/main.mjs`], path: '/mcp' }
  await conformance(url ?? (await server(state, program)), state, verdict)
}

const PARTS = { conformance: suite, upstreams: wanted => upstreams(state, verdict, wanted), refusals: () => refusals(state, verdict) }
const [part, which] = process.argv.slice(2)
const state = stateFolder()
await judged(state, async () => {
  for (const [name, run] of Object.entries(PARTS)) if (!part || part === name) await run(which)
})
