// Real MCP servers, each with a real client: the session through the gateway is the session without it.
import { readFileSync } from 'node:fs'
import { finish, start, tail } from '../clients/lib/processes.mjs'
import { differences } from './lib/difference.mjs'
import { session } from './lib/session.mjs'
import { BARE, HERE, gateway, server } from './lib/stage.mjs'

export const EVERYTHING = `${HERE}node_modules/@modelcontextprotocol/server-everything/dist/index.js`
const PYTHON = `${HERE}.venv/bin/python`
const PYTHON_MS = 240_000

export const everything = {
  calls: [
    ['echo', { message: 'Grüße 🦀' }],
    ['get-sum', { a: 2, b: 3 }],
    ['get-sum', { a: 'two' }],
    ['get-tiny-image', {}],
    ['get-annotated-message', { messageType: 'error', includeImage: true }],
    ['get-structured-content', { location: 'Chicago' }],
    ['get-resource-links', { count: 3 }],
    ['trigger-long-running-operation', { duration: 0.4, steps: 4 }],
    ['trigger-sampling-request', { prompt: 'Say hello', maxTokens: 10 }],
    ['trigger-elicitation-request', {}],
  ],
  prompts: [['simple-prompt', {}], ['args-prompt', { city: 'Rome' }], ['no-such-prompt', {}]],
  resources: ['demo://resource/dynamic/text/1', 'demo://resource/static/document/features.md', 'demo://nowhere'],
}

const reference = {
  calls: [['test_simple_text', {}], ['test_x_mcp_header', { region: 'Zürich' }], ['test_tool_with_progress', {}], ['test_sampling', { prompt: 'x' }], ['test_elicitation', { message: 'x' }], ['test_error_handling', {}]],
  prompts: [['test_prompt_with_arguments', { arg1: 'a', arg2: 'b' }]],
  resources: ['test://static-text', 'test://template/7/data', 'test://nowhere'],
}

/** Server → how to start it, and the sessions to hold, with the revision that each must speak. */
const UPSTREAMS = {
  'server-everything, Streamable HTTP': {
    start: { name: 'server-everything', command: process.execPath, args: [EVERYTHING, 'streamableHttp'], path: '/mcp' },
    typescript: [{ revision: '2025-11-25', ...everything }],
    python: { calls: everything.calls.slice(0, 3), prompts: everything.prompts, resources: everything.resources },
  },
  'server-everything, HTTP+SSE': {
    start: { name: 'server-everything-sse', command: process.execPath, args: [EVERYTHING, 'sse'], path: '/sse' },
    also: ['/message'],
    typescript: [{ revision: '2025-11-25', transport: 'sse', mode: 'legacy', ...everything }],
    python: { transport: 'sse', calls: everything.calls.slice(0, 3), prompts: everything.prompts, resources: everything.resources },
  },
  FastMCP: {
    start: { name: 'fastmcp', command: PYTHON, args: [`${HERE}servers/fastmcp_server.py`], path: '/mcp' },
    typescript: [{ revision: '2026-07-28', calls: [['add', { a: 1, b: 2 }], ['count', { to: 3 }], ['fail', {}]], prompts: [['greet', { name: 'Ada' }]], resources: ['data://numbers'] }],
    python: { calls: [['add', { a: 1, b: 2 }], ['add', { a: 'one' }], ['count', { to: 3 }], ['fail', {}]], prompts: [['greet', { name: 'Ada' }]], resources: ['data://numbers'] },
  },
  rmcp: {
    start: { name: 'rmcp', command: process.env.ENTRAGATE_BIN, args: ['sample'], path: '/mcp', portArgument: '--port' },
    typescript: [{ revision: '2025-11-25', mode: 'legacy', calls: [['add', { a: 1, b: 2 }], ['countdown', { from: 3, pause_ms: 20 }], ['add', {}]] }],
  },
  'TypeScript SDK 2, both eras': {
    start: { name: 'reference', command: process.execPath, args: [`${HERE}servers/reference/main.mjs`], path: '/mcp' },
    typescript: [
      {
        revision: '2026-07-28', ...reference,
        listen: { toolsListChanged: true, promptsListChanged: true },
        changes: [
          { tool: 'test_trigger_tool_change', method: 'notifications/tools/list_changed' },
          { tool: 'test_trigger_prompt_change', method: 'notifications/prompts/list_changed' },
        ],
      },
      { revision: '2025-11-25', mode: 'legacy', ...reference },
    ],
    python: { calls: reference.calls.slice(0, 3), prompts: reference.prompts, resources: reference.resources },
  },
}

/** Holds every session twice and compares; only with servers of which the name contains `wanted`, if it is given. */
export async function upstreams(state, verdict, wanted = '') {
  for (const [name, upstream] of Object.entries(UPSTREAMS).filter(([name]) => name.includes(wanted))) {
    const url = await server(state, upstream.start)
    const behind = await gateway(state, { name: `gateway-${upstream.start.name}`, upstream: url, also: upstream.also })
    const compare = async (what, revision, hold) => {
      const why = await twice(hold, url, behind, revision).catch(error => error.message)
      verdict(`${name}, ${what}`, why)
    }
    for (const { revision, ...plan } of upstream.typescript) {
      await compare(`TypeScript SDK, ${revision}`, revision, (at, token) => session(at, token, plan))
    }
    if (upstream.python) await compare('Python SDK', undefined, (at, token) => python(state, at, token, upstream.python))
  }
}

/** Holds a session direct and through the gateway; what is wrong, if anything. */
async function twice(hold, url, behind, revision) {
  const direct = await hold(url, undefined)
  return wrong(direct, await hold(behind.url, behind.token), revision ?? direct.revision)
}

/** The same session, and one in which something happened. */
function wrong(direct, through, revision) {
  if (direct.connect?.error || direct.revision !== revision) return `the direct session: ${JSON.stringify({ connect: direct.connect, revision: direct.revision })}`
  const found = differences(asOnesOwn(direct), through)
  return found.length ? found.join('\n      ') : undefined
}

/** Lists that rules filter belong to the caller, and say so to caches (TR-22). */
function asOnesOwn(direct) {
  const lists = ['tools', 'prompts', 'resources', 'templates'].filter(list => direct[list])
  const own = list => Object.fromEntries(['cacheScope', 'cache_scope'].filter(name => list[name]).map(name => [name, 'private']))
  return { ...direct, ...Object.fromEntries(lists.map(name => [name, { ...direct[name], ...own(direct[name]) }])) }
}

/** Holds a session with the Python SDK. */
export async function python(state, url, token, plan) {
  const name = `python-${new URL(url).port}`
  const [logFile, seen] = [`${state}/${name}.log`, `${state}/${name}.json`]
  const env = { ...BARE, MCP_URL: url, TOKEN: token ?? '', PLAN: JSON.stringify(plan), SEEN: seen }
  const code = await finish(start(PYTHON, [`${HERE}drivers/session.py`], { env, logFile }), PYTHON_MS)
  if (code !== 0) throw new Error(`the Python client ended with ${code}\n${tail(logFile)}`)
  return JSON.parse(readFileSync(seen, 'utf8'))
}
