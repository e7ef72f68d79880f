// The conformance suite's server scenarios: what they find at one URL, and whether they find anything worse at another.
import { mkdtempSync, readdirSync } from 'node:fs'
import { finish, start, tail } from '../../clients/lib/processes.mjs'
import { parsed, readIfThere } from '../../clients/lib/stage.mjs'
import { BARE, HERE } from './stage.mjs'

const SUITE = `${HERE}node_modules/@modelcontextprotocol/conformance/dist/index.js`
const NODE = `${HERE}node_modules/.bin/node`
const PATIENCE_MS = 240_000

/** The revisions, whose scenarios are frozen with the suite's release. */
export const REVISIONS = ['2025-11-25', '2026-07-28']

/** Runs all scenarios of a revision: scenario → check → how often it passed and failed. */
export async function results(url, revision, state, label) {
  const folder = mkdtempSync(`${state}/${revision}-${label}-`)
  const logFile = `${folder}.log`
  const args = [SUITE, 'server', '--url', url, '--requirements', revision, '-o', folder]
  const code = await finish(start(NODE, args, { env: BARE, logFile }), PATIENCE_MS)
  const found = Object.fromEntries(readdirSync(folder).map(name => [scenarioOf(name), tally(`${folder}/${name}/checks.json`)]))
  // 1 is "some checks failed", which is the server's business; without results nothing was judged.
  if (![0, 1].includes(code) || !Object.keys(found).length) throw new Error(`the suite ended with ${code}\n${tail(logFile)}`)
  return found
}

/** `server-tools-list-2026-11-25T22-48-38-558Z` → `tools-list`. */
const scenarioOf = folder => folder.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, '')

function tally(file) {
  const checks = {}
  // A scenario that broke off leaves none.
  for (const { id, status } of parsed(readIfThere(file)) ?? []) {
    const counts = (checks[id] ??= { passed: 0, failed: 0 })
    if (status === 'SUCCESS') counts.passed++
    if (status === 'FAILURE') counts.failed++
  }
  return checks
}

export function sum(scenario) {
  const counts = Object.values(scenario ?? {})
  const of = name => counts.reduce((total, count) => total + count[name], 0)
  return { passed: of('passed'), failed: of('failed') }
}

/** The checks of a scenario that fare worse through the gateway, in words. */
export function worse(direct, gateway = {}) {
  return Object.entries(direct).flatMap(([check, before]) => {
    const after = gateway[check] ?? { passed: 0, failed: 0 }
    if (after.passed >= before.passed && after.failed <= before.failed) return []
    return [`${check}: ${before.passed} passed, ${before.failed} failed became ${after.passed} passed, ${after.failed} failed`]
  })
}
