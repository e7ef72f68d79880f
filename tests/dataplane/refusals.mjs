// Clients learn why they are refused: over the HTTP+SSE transport (2024-11-05) at once, and they go on; and while they still send.
import { session } from './lib/session.mjs'
import { gateway, server } from './lib/stage.mjs'
import { EVERYTHING, python } from './upstreams.mjs'

const RULES = `
[[rules]]
tools = ["echo"]

[[rules]]
tools = ["get-tiny-image"]
scopes = ["more"]
`

/** Far less than any client waits by itself. */
const AT_ONCE_MS = 5000

const refused = name => [name, {}]
const echo = message => ['echo', { message }]
const PLAN = {
  transport: 'sse',
  patience: AT_ONCE_MS,
  calls: [refused('get-env'), echo('one'), refused('get-sum'), echo('two')],
  prompts: [['simple-prompt', {}]],
  resources: ['demo://nowhere'],
}
/** A scope that is missing is asked for with 403. The Python SDK gives up the session unless it can sign in again. */
const WITH_SCOPE = { ...PLAN, mode: 'legacy', calls: [...PLAN.calls, refused('get-tiny-image'), echo('three')] }

/** What must be in what a client saw, by what it did. */
const EXPECTED = {
  'call get-env {}': '"text":"Not allowed: no rule of this server lets anybody call tool `get-env`."',
  'call echo {"message":"one"}': 'Echo: one',
  'call get-sum {}': '"text":"Not allowed: no rule of this server lets anybody call tool `get-sum`."',
  'call echo {"message":"two"}': 'Echo: two',
  'prompt simple-prompt': 'Not allowed: no rule of this server lets anybody call `simple-prompt` (prompts/get).',
  'resource demo://nowhere': 'Not allowed: no rule of this server lets anybody call `demo://nowhere` (resources/read).',
}
const EXPECTED_OF_A_SCOPE = { 'call get-tiny-image {}': 'insufficient_scope', 'call echo {"message":"three"}': 'Echo: three' }

/** Holds a session of each client through a gateway that refuses some of its calls, and sends bodies that are refused unread. */
export async function refusals(state, verdict) {
  const upstream = await server(state, { name: 'refusing-sse', command: process.execPath, args: [EVERYTHING, 'sse'], path: '/sse' })
  const { url, token } = await gateway(state, { name: 'gateway-refusing', upstream, also: ['/message'], rules: RULES })
  const judge = async (what, expected, held) => verdict(`refused calls, HTTP+SSE, ${what}`, await held.then(seen => wrong(seen, expected), error => error.message))
  await judge('TypeScript SDK', { ...EXPECTED, ...EXPECTED_OF_A_SCOPE }, session(url, token, WITH_SCOPE))
  await judge('Python SDK', EXPECTED, python(state, url, token, PLAN))
  verdict('refused while still sending, fetch of Node.js', await whileSending(url))
}

/** What is wrong with the answers to large bodies, if anything: a reset connection would be. */
async function whileSending(url) {
  for (const [megabytes, status] of [[4, 401], [12, 401], [20, 413]]) {
    const request = { method: 'POST', body: Buffer.alloc(megabytes << 20, ' '), headers: { 'content-type': 'application/json' } }
    for (let turn = 0; turn < 10; turn++) {
      const answer = await fetch(url, request).catch(error => ({ status: error.cause?.code ?? error.message }))
      await answer.text?.()
      if (answer.status !== status) return `${megabytes} MB: ${answer.status} instead of ${status}`
    }
  }
}

/** What a client should have seen and did not, if anything. */
function wrong(seen, expected) {
  const all = Object.fromEntries(Object.entries(seen).map(([done, what]) => [unquoted(done), what]))
  const missing = ([done, text]) => !unquoted(all[unquoted(done)]).includes(unquoted(text))
  const found = Object.entries(expected).filter(missing).map(([done, text]) => `${done}: no ${text} in ${JSON.stringify(all[unquoted(done)])}`)
  return found.length ? found.join('\n      ') : undefined
}

/** As text in which JSON looks the same whoever wrote it, also within an error message. */
const unquoted = value => (typeof value === 'string' ? value : JSON.stringify(value) ?? '').replaceAll('\\"', '"').replaceAll(/":\s+"/g, '":"')
