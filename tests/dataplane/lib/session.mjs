// What a client of the official SDK sees of a server: everything it lists and calls, and what the server asks and says.
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'

const PATIENCE_MS = 30_000
const ABILITIES = { sampling: {}, elicitation: { form: {} }, roots: {} }

/** Holds one session with the server and notes all of it. `patience`: how long the client waits for an answer, in ms. */
export async function session(url, token, { transport = 'http', mode = 'auto', patience = PATIENCE_MS, calls = [], prompts = [], resources = [], listen, changes }) {
  const headers = token ? { authorization: `Bearer ${token}` } : {}
  const Transport = transport === 'sse' ? SSEClientTransport : StreamableHTTPClientTransport
  const wire = new Transport(new URL(url), { requestInit: { headers } })
  const client = new Client({ name: 'dataplane', version: '1.0.0' }, { capabilities: ABILITIES, versionNegotiation: { mode } })
  const seen = {}
  const asked = answer(client)
  const note = async (name, work) => { seen[name] = await work().then(plain, failure) }

  await note('connect', () => client.connect(wire, { timeout: PATIENCE_MS }))
  seen.revision = client.getNegotiatedProtocolVersion()
  seen.server = plain(client.getServerVersion())
  const can = client.getServerCapabilities() ?? {}
  seen.capabilities = plain(can)
  if (can.tools) await note('tools', () => client.listTools())
  if (can.prompts) await note('prompts', () => client.listPrompts())
  if (can.resources) await note('resources', () => client.listResources())
  if (can.resources) await note('templates', () => client.listResourceTemplates())
  for (const [name, args] of calls) {
    const progress = []
    const options = { timeout: patience, onprogress: update => progress.push(plain(update)) }
    await note(`call ${name} ${JSON.stringify(args)}`, async () => ({ result: await client.callTool({ name, arguments: args }, options), progress }))
  }
  await note('an unknown tool', () => client.callTool({ name: 'no-such-tool', arguments: {} }))
  for (const [name, args] of prompts) await note(`prompt ${name}`, () => client.getPrompt({ name, arguments: args }, { timeout: patience }))
  for (const uri of resources) await note(`resource ${uri}`, () => client.readResource({ uri }, { timeout: patience }))
  if (listen) await note('subscription', () => subscription(client, listen, changes))
  seen.asked = asked
  if (transport === 'http' && wire.sessionId) await note('the session after its end', () => afterTheEnd(url, headers, wire, seen.revision))
  await client.close()
  return seen
}

/** Answers what a server asks of its client, and notes it. */
function answer(client) {
  const asked = []
  const handle = (method, result) => client.setRequestHandler(method, request => {
    asked.push({ method, params: plain(request.params) })
    return result
  })
  handle('sampling/createMessage', { model: 'none', role: 'assistant', content: { type: 'text', text: 'Sampled.' } })
  handle('elicitation/create', { action: 'decline' })
  handle('roots/list', { roots: [{ uri: 'file:///work', name: 'work' }] })
  return asked
}

/** Opens a subscription (2026-07-28), makes the server change something, and notes which notifications come. */
async function subscription(client, filter, changes) {
  const heard = []
  const all = new Promise(resolve => {
    for (const { method } of changes) {
      client.setNotificationHandler(method, () => heard.push(method) === changes.length && resolve())
    }
  })
  const open = await client.listen(filter)
  for (const { tool } of changes) await client.callTool({ name: tool, arguments: {} })
  await Promise.race([all, sleep(PATIENCE_MS, undefined, { ref: false })])
  await open.close()
  return heard.sort()
}

/** Ends the session and uses it once more: the status tells a client whether to open a new one. */
async function afterTheEnd(url, headers, wire, revision) {
  const session = wire.sessionId
  await wire.terminateSession()
  const answer = await fetch(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json', accept: 'application/json, text/event-stream', 'mcp-session-id': session, 'mcp-protocol-version': revision },
    body: JSON.stringify({ jsonrpc: '2.0', id: 'after', method: 'tools/list' }),
  })
  await answer.body?.cancel()
  return { status: answer.status }
}

const failure = error => ({ error: error.constructor.name, code: error.code, message: error.message, data: plain(error.data) })

/** As JSON, without what differs from one session to the next. */
const plain = value => value === undefined ? undefined : JSON.parse(JSON.stringify(value, (_, inner) => typeof inner === 'string' ? settled(inner) : inner))
const settled = text => text
  .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, '<id>')
  .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?/g, '<time>')
  .replace(/\d{1,2}:\d\d:\d\d( [AP]M)?/g, '<time>')
