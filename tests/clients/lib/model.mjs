// A model that says what stands here, for clients whose tools only a model calls: it makes calls, one after the other, and keeps
// what the client tells it of each result. It speaks as much of Anthropic's Messages API, of OpenAI's chat completions and of OpenAI's
// responses as they need.
import { once } from 'node:events'
import { createServer } from 'node:http'

const NAME = 'scripted'
/** A tool that everybody is offered: what stands before its name stands before all names of its server. */
const KNOWN = 'echo'
const USAGE = { input_tokens: 1, output_tokens: 1 }

/**
 * Starts it: `{ url, play }`. `play(calls)` begins a conversation, and gives what came of it once the client's command has ended:
 * `listed()`, the tools that the model was offered, and `heard()`, one `{ isError, text }` per call. A call is
 * `{ tool, input, before }`: the tool's own name, what to call it with, and what happens while the model thinks about it. A tool that
 * is not offered is called all the same, by the name that it would have.
 */
export async function model() {
  let calls = []
  let told = new Map()
  let offered = []

  /** The call that follows so many results, by the name under which the client offers its tool. */
  async function next(names, results) {
    const sample = names.find(name => name.endsWith(KNOWN))
    if (!sample) return undefined
    const prefix = sample.slice(0, -KNOWN.length)
    offered = names.filter(name => name.startsWith(prefix)).map(name => name.slice(prefix.length))
    for (const [index, result] of results.entries()) told.set(index, result)
    const call = calls[results.length]
    if (!call) return undefined
    await call.before?.()
    const { tool, input } = call
    const name = prefix + (offered.find(name => dashed(name) === tool) ?? tool)
    return { id: `call_${results.length}`, name, input, text: JSON.stringify(input) }
  }

  const dialects = { messages, 'chat/completions': completions, responses }
  const server = createServer(async (asked, answer) => {
    let text = ''
    for await (const chunk of asked) text += chunk
    const path = new URL(asked.url, 'http://model').pathname
    const dialect = Object.keys(dialects).find(end => path.endsWith(`/${end}`))
    if (dialect && text) return dialects[dialect](JSON.parse(text), answer)
    json(answer, {})
  })

  async function messages({ messages: said = [], tools = [], stream }, answer) {
    const results = said.flatMap(({ content }) => Array.isArray(content) ? content.filter(({ type }) => type === 'tool_result') : [])
    const call = await next(tools.map(({ name }) => name), results.map(({ is_error, content }) => ({ isError: is_error === true, text: textOf(content) })))
    const block = call ? { type: 'tool_use', id: call.id, name: call.name, input: call.input } : { type: 'text', text: 'Done.' }
    const reason = call ? 'tool_use' : 'end_turn'
    const message = { id: 'msg_1', type: 'message', role: 'assistant', model: NAME, content: [], stop_reason: null, stop_sequence: null, usage: USAGE }
    if (!stream) return json(answer, { ...message, content: [block], stop_reason: reason })
    const begun = call ? { ...block, input: {} } : { ...block, text: '' }
    const delta = call ? { type: 'input_json_delta', partial_json: call.text } : { type: 'text_delta', text: block.text }
    events(answer, [
      { type: 'message_start', message },
      { type: 'content_block_start', index: 0, content_block: begun },
      { type: 'content_block_delta', index: 0, delta },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: reason, stop_sequence: null }, usage: USAGE },
      { type: 'message_stop' },
    ])
  }

  // Neither of OpenAI's APIs says whether a result is an error.
  async function completions({ messages: said = [], tools = [], stream }, answer) {
    const results = said.filter(({ role }) => role === 'tool').map(({ content }) => ({ text: textOf(content) }))
    const call = await next(tools.map(tool => tool.function?.name), results)
    const asked = call && { index: 0, id: call.id, type: 'function', function: { name: call.name, arguments: call.text } }
    const message = call ? { role: 'assistant', tool_calls: [asked] } : { role: 'assistant', content: 'Done.' }
    const reason = call ? 'tool_calls' : 'stop'
    const about = { id: 'c_1', created: 1, model: NAME }
    if (!stream) return json(answer, { ...about, object: 'chat.completion', choices: [{ index: 0, message, finish_reason: reason }] })
    const chunk = choice => ({ ...about, object: 'chat.completion.chunk', choices: [{ index: 0, ...choice }] })
    events(answer, [chunk({ delta: message, finish_reason: null }), chunk({ delta: {}, finish_reason: reason }), '[DONE]'])
  }

  // The client offers the tools of an MCP server as a namespace, or each by its full name.
  async function responses({ input = [], tools = [] }, answer) {
    const results = input.filter(({ type }) => type === 'function_call_output').map(({ output }) => ({ text: textOf(output) }))
    const names = tools.flatMap(tool => tool.type === 'namespace' ? tool.tools.map(({ name }) => name) : [tool.name])
    const call = await next(names.filter(Boolean), results)
    const space = call && tools.find(tool => tool.type === 'namespace' && tool.tools.some(({ name }) => name.endsWith('echo')))?.name
    const item = call
      ? { type: 'function_call', id: `fc_${call.id}`, call_id: call.id, name: call.name, ...(space && { namespace: space }), arguments: call.text }
      : { type: 'message', id: 'msg_1', role: 'assistant', content: [{ type: 'output_text', text: 'Done.' }] }
    events(answer, [
      { type: 'response.created', response: { id: 'resp_1' } },
      { type: 'response.output_item.done', output_index: 0, item },
      { type: 'response.completed', response: { id: 'resp_1', output: [item], usage: { ...USAGE, total_tokens: 2 } } },
    ])
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  server.unref()
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    play(script) {
      calls = script
      told = new Map()
      offered = []
      return { listed: () => offered.map(dashed), heard: () => script.map((_, index) => told.get(index)) }
    },
  }
}

/** A tool's own name: Codex writes `_` for `-`. */
const dashed = name => name.replaceAll('_', '-')

const textOf = content => Array.isArray(content) ? content.map(({ text }) => text ?? '').join('') : `${content ?? ''}`

const json = (answer, body) => answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))

function events(answer, all) {
  answer.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const event of all) answer.write(typeof event === 'string' ? `data: ${event}\n\n` : `${event.type ? `event: ${event.type}\n` : ''}data: ${JSON.stringify(event)}\n\n`)
  answer.end()
}
