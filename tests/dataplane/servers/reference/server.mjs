// An MCP server of the official SDK with what the conformance suite asks for.
import { randomBytes } from 'node:crypto'
import { McpServer, ResourceTemplate, acceptedContent, createRequestStateCodec, fromJsonSchema, inputRequired } from '@modelcontextprotocol/server'
import { PIXEL, tools } from './tools.mjs'

const states = createRequestStateCodec({ key: randomBytes(32) })
const hint = { ttlMs: 60_000, cacheScope: 'public' }
const CACHEABLE = ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list', 'resources/read', 'server/discover']

/** A server for one request or session; `changed` gives what tells subscribers that a list has changed. */
export function reference(changed) {
  const server = new McpServer({ name: 'reference', version: '1.0.0' }, {
    capabilities: { tools: { listChanged: true }, prompts: { listChanged: true }, resources: { subscribe: true, listChanged: true }, logging: {}, completions: {} },
    cacheHints: Object.fromEntries(CACHEABLE.map(method => [method, hint])),
    requestState: { verify: states.verify },
  })
  for (const [name, [schema, call]] of Object.entries(tools(states.mint, changed))) {
    server.registerTool(name, { description: name, inputSchema: fromJsonSchema(schema) }, call)
  }
  resources(server)
  prompts(server)
  server.server.setRequestHandler('completion/complete', () => ({ completion: { values: ['one', 'two'], total: 2, hasMore: false } }))
  return server
}

function resources(server) {
  const text = (uri, value, mimeType = 'text/plain') => ({ contents: [{ uri: `${uri}`, mimeType, text: value }] })
  server.registerResource('static-text', 'test://static-text', { mimeType: 'text/plain' }, uri => text(uri, 'Static text.'))
  server.registerResource('static-binary', 'test://static-binary', { mimeType: 'image/png' }, uri => ({ contents: [{ uri: `${uri}`, mimeType: 'image/png', blob: PIXEL }] }))
  server.registerResource('watched', 'test://watched-resource', { mimeType: 'text/plain' }, uri => text(uri, 'Watched.'))
  const template = new ResourceTemplate('test://template/{id}/data', { list: undefined })
  server.registerResource('template', template, { mimeType: 'application/json' }, (uri, { id }) => text(uri, JSON.stringify({ id }), 'application/json'))
  for (const method of ['resources/subscribe', 'resources/unsubscribe']) server.server.setRequestHandler(method, () => ({}))
}

function prompts(server) {
  const user = content => ({ role: 'user', content })
  const say = value => user({ type: 'text', text: value })
  const needs = (...names) => fromJsonSchema({ type: 'object', properties: Object.fromEntries(names.map(name => [name, { type: 'string' }])), required: names })
  const prompt = (name, argsSchema, messages) => server.registerPrompt(name, { description: name, ...(argsSchema && { argsSchema }) }, messages)
  prompt('test_simple_prompt', undefined, () => ({ messages: [say('A simple prompt.')] }))
  prompt('test_prompt_with_arguments', needs('arg1', 'arg2'), ({ arg1, arg2 }) => ({ messages: [say(`arg1='${arg1}', arg2='${arg2}'`)] }))
  prompt('test_prompt_with_embedded_resource', needs('resourceUri'), ({ resourceUri }) =>
    ({ messages: [user({ type: 'resource', resource: { uri: resourceUri, mimeType: 'text/plain', text: 'Embedded.' } }), say('Look at it.')] }))
  prompt('test_prompt_with_image', undefined, () => ({ messages: [user({ type: 'image', data: PIXEL, mimeType: 'image/png' }), say('Look at it.')] }))
  prompt('test_input_required_result_prompt', undefined, ctx => {
    const answer = acceptedContent(ctx.mcpReq.inputResponses, 'user_context')
    if (answer) return { messages: [say(`With context: ${answer.context}`)] }
    const requestedSchema = { type: 'object', properties: { context: { type: 'string' } }, required: ['context'] }
    return inputRequired({ inputRequests: { user_context: inputRequired.elicit({ message: 'Which context?', requestedSchema }) } })
  })
}
