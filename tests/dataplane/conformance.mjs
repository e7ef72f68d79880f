// "Through the gateway equals direct": the suite's server scenarios, each check of them.
import { gateway } from './lib/stage.mjs'
import { REVISIONS, results, sum, worse } from './lib/conformance.mjs'
import { shim } from './lib/shim.mjs'

/** Scenarios that the gateway must pass for every server, because it judges those headers itself (TR-17, TR-19). */
const OURS = { '2026-07-28': ['http-header-validation'] }

/** Compares the server at `url` with itself behind a gateway, in every revision. */
export async function conformance(url, state, verdict) {
  const behind = await gateway(state, { name: 'conformance', upstream: url })
  const { url: shimmed, close } = await shim(behind.url, behind.token)
  for (const revision of REVISIONS) {
    const direct = await results(local(url), revision, state, 'direct')
    const through = await results(shimmed, revision, state, 'gateway')
    report(revision, direct, through, verdict)
  }
  close()
}

function report(revision, direct, through, verdict) {
  console.log(`\nconformance ${revision}: checks passed, failed\n${row('scenario', 'direct', 'gateway')}`)
  const [before, after] = [{ passed: 0, failed: 0 }, { passed: 0, failed: 0 }]
  for (const scenario of Object.keys(direct).sort()) {
    const [one, other] = [sum(direct[scenario]), sum(through[scenario])]
    for (const [total, part] of [[before, one], [after, other]]) {
      total.passed += part.passed
      total.failed += part.failed
    }
    const same = one.passed === other.passed && one.failed === other.failed
    console.log(row(scenario, counts(one), counts(other), same ? '' : ' *'))
    const why = worse(direct[scenario], through[scenario])
    if (why.length) verdict(`${revision} ${scenario}`, why.join('; '))
  }
  console.log(row('total', counts(before), counts(after)))
  const isWorse = after.passed < before.passed || after.failed > before.failed
  verdict(`conformance ${revision}: through the gateway as direct, or better`, isWorse ? `${counts(before)} became ${counts(after)}` : undefined)
  for (const scenario of OURS[revision] ?? []) {
    const { passed, failed } = sum(through[scenario])
    verdict(`conformance ${revision}: ${scenario} is green behind the gateway`, passed && !failed ? undefined : `${passed} passed, ${failed} failed`)
  }
}

/** The suite wants the server under a name of this machine. */
const local = url => url.replace('127.0.0.1', 'localhost')
const counts = ({ passed, failed }) => `${passed}, ${failed}`
const row = (scenario, direct, through, mark = '') => `  ${scenario.padEnd(52)} ${direct.padStart(9)} ${through.padStart(9)}${mark}`
