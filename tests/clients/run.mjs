// Signs real clients in through `entragate demo` and judges every step; started by run.sh.
import { rmSync } from 'node:fs'
import { requests as emulatorLog } from './lib/emulator.mjs'
import { addScope, registerCodexCallback } from './lib/entra.mjs'
import { ALL_STEPS, judge, stepsOf } from './lib/judge.mjs'
import { finish, start, tail } from './lib/processes.mjs'
import { count, failures, table } from './lib/report.mjs'
import { HERE, clientEnvironment, parsed, readIfThere, setUp } from './lib/stage.mjs'
import { wire } from './lib/wire.mjs'

const CLIENT_MS = 60_000
// The big ones start up to fifteen times, and slowly.
const PROGRAM_MS = 600_000

// What a client can show whose tools only a model calls; and what it shows of a scripted model's calls.
const WITHOUT_TOOLS = ['discovery', 'registration', 'pkce', 'consent', 'sign_in', 'refresh_after_expiry', 'no_prompt_consent']
const TALKED = ['tools_list', 'allowed_call', 'unlisted_call', 'refused_arguments', 'no_sign_in_after_refusal',
  'still_connected_after_refusal', 'missing_scope', 'step_up', 'lost_role']

const CLIENTS = [
  { title: 'typescript-sdk-1', driver: 'typescript-sdk-1.mjs', user: 'bob' },
  { title: 'typescript-sdk-2', driver: 'typescript-sdk-2.mjs', user: 'bob' },
  { title: 'typescript-sdk-2-as-admin', driver: 'typescript-sdk-2.mjs', user: 'alice' },
  { title: 'python-sdk', driver: 'python-sdk.py', user: 'bob' },
  { title: 'fastmcp-client', driver: 'fastmcp-client.py', user: 'bob' },
  { title: 'mcp-remote', driver: 'mcp-remote.mjs', user: 'bob' },
  // With a client ID metadata document instead of a registration, which only broker mode reads.
  { title: 'typescript-sdk-2-document', driver: 'typescript-sdk-2.mjs', user: 'bob', hasDocument: true },
  { title: 'python-sdk-document', driver: 'python-sdk.py', user: 'bob', hasDocument: true },
  // Only when they are named: evidence.sh downloads them.
  { title: 'claude-code', driver: 'claude-code.mjs', user: 'bob', byNameOnly: true, steps: [...WITHOUT_TOOLS, ...TALKED] },
  { title: 'opencode', driver: 'opencode.mjs', user: 'bob', byNameOnly: true, steps: [...WITHOUT_TOOLS, ...TALKED] },
  // In relay mode its callback has a path of its own for each server, which ends at Entra until it is registered.
  { title: 'codex-unregistered', driver: 'codex.mjs', user: 'bob', byNameOnly: true, relayOnly: true,
    steps: ['discovery', 'registration', 'unregistered_callback', 'no_prompt_consent'] },
  { title: 'codex', driver: 'codex.mjs', user: 'bob', byNameOnly: true, registers: registerCodexCallback, steps: [...WITHOUT_TOOLS, ...TALKED] },
]

/** The steps that a client is judged by in a mode. */
const judgedBy = ({ steps }, mode) =>
  steps ? ALL_STEPS.filter(step => steps.includes(step) && (mode === 'broker' || step !== 'consent')) : stepsOf(mode)

async function runClient(client, mode, { state, demo, document }) {
  const { title, driver, user, byNameOnly, hasDocument, registers } = client
  const started = Date.now()
  const evidence = `${state}/${title}`
  const logFile = `${evidence}/client.log`
  const own = hasDocument ? document : undefined
  const { CLAUDE, CODEX, OPENCODE } = process.env
  const env = { ...clientEnvironment({ mode, demo, evidence, user, document: own }), ...(byNameOnly && { CLAUDE, CODEX, OPENCODE }) }
  if (mode === 'relay') await registers?.(demo.mcp_url)
  const logStart = (await emulatorLog()).length
  const child = driver.endsWith('.py')
    ? start(`${HERE}.venv/bin/python`, ['-B', `${HERE}drivers/${driver}`], { env: { ...env, PYTHONPATH: `${HERE}lib` }, logFile })
    : start(process.execPath, [`${HERE}drivers/${driver}`], { env, logFile })
  const code = await finish(child, byNameOnly ? PROGRAM_MS : CLIENT_MS)

  const seen = parsed(readIfThere(`${evidence}/seen.json`)) ?? { version: '?', error: `the driver noted nothing: ${code}` }
  const lines = name => readIfThere(`${evidence}/${name}`).split('\n').filter(Boolean).map(line => JSON.parse(line))
  if (seen.error) console.log(`--- ${title}: ${seen.error}\n${tail(logFile)}\n${readIfThere(`${evidence}/browser.log`)}`)
  else if (byNameOnly) console.log(readIfThere(logFile))
  const verdicts = judge({
    mode,
    document: own,
    steps: judgedBy(client, mode),
    seen,
    browser: lines('browser.jsonl'),
    requests: lines('requests.jsonl'),
    log: (await emulatorLog()).slice(logStart),
    logStart,
    isAdmin: user === 'alice',
  })
  return { title, version: seen.version, steps: verdicts, seconds: (Date.now() - started) / 1000 }
}

const MODES = ['relay', 'broker']

function choose(names) {
  const titles = CLIENTS.map(({ title }) => title)
  const unknown = names.filter(name => !titles.includes(name))
  if (unknown.length > 0) throw new Error(`no such client: ${unknown}; there are ${titles.join(', ')}`)
  return CLIENTS.filter(({ title, byNameOnly }) => (names.length === 0 ? !byNameOnly : names.includes(title)))
}

/** One mode with everything that belongs to it: a demo of its own, its clients, and what reached Entra. */
async function runMode(mode, chosen) {
  const clients = chosen.filter(({ hasDocument, relayOnly }) => (mode === 'broker' ? !relayOnly : !hasDocument))
  // Claude Code and Codex name documents on the internet, where there are documents; without, they register.
  const world = await setUp(mode, clients.some(({ byNameOnly }) => !byNameOnly))
  // What the rule of `registered.toml` asks for.
  if (clients.some(({ byNameOnly }) => byNameOnly)) await addScope()
  const results = []
  for (const client of clients) results.push(await runClient(client, mode, world))
  // One redemption of a code and one refresh each.
  const signedIn = clients.filter(client => judgedBy(client, mode).includes('refresh_after_expiry'))
  const checks = signedIn.length > 0 ? wire(await emulatorLog(), 2 * signedIn.length) : []

  console.log(`\n${mode} mode\n${table(results)}`)
  for (const { name, ok } of checks) console.log(`${ok ? 'ok  ' : 'FAIL'}  ${name}`)
  const wrong = failures(results, checks)
  if (wrong.length > 0) console.log(`\n${wrong.join('\n')}\nlogs: ${world.state}`)
  else rmSync(world.state, { recursive: true })
  return { results, checks }
}

async function main(args) {
  const modes = args.filter(name => MODES.includes(name))
  const chosen = choose(args.filter(name => !MODES.includes(name)))
  const results = []
  const checks = []
  for (const mode of modes.length > 0 ? modes : MODES) {
    const run = await runMode(mode, chosen)
    results.push(...run.results)
    checks.push(...run.checks)
  }
  const { failed, line } = count(results, checks)
  console.log(`\n${line}`)
  return failed === 0 ? 0 : 1
}

const code = await main(process.argv.slice(2)).catch(error => {
  console.error(`could not run: ${error.message}`)
  return 2
})
process.exit(code)
