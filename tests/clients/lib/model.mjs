// A model that says what stands here, for clients whose tools only a model calls: it calls one tool once, and keeps what the
// client tells it of the result. It speaks as much of Anthropic's Messages API and of OpenAI's chat completions as they need.
import { once } from 'node:events'
import { createServer } from 'node:http'

const NAME = 'scripted'
const USAGE = { input_tokens: 1, output_tokens: 1 }

/** Starts it: `{ url, heard }`. The tool is the one whose name ends with `suffix`; it is called with `input`. */
export async function model(suffix, input) {
  const told = []
  const server = createServer(async (asked, answer) => {
    let text = ''
    for await (const chunk of asked) text += chunk
    const path = new URL(asked.url, 'http://model').pathname
    const body = text ? JSON.parse(text) : {}
    if (path.endsWith('/messages')) return messages(body, answer)
    if (path.endsWith('/chat/completions')) return completions(body, answer)
    answer.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })

  function messages({ messages: said = [], tools = [], stream }, answer) {
    const results = said.flatMap(({ content }) => Array.isArray(content) ? content.filter(({ type }) => type === 'tool_result') : [])
    for (const { is_error, content } of results) told.push({ isError: is_error === true, text: textOf(content) })
    const tool = results.length === 0 && tools.find(({ name }) => name?.endsWith(suffix))
    const block = tool ? { type: 'tool_use', id: 'toolu_1', name: tool.name, input } : { type: 'text', text: 'Done.' }
    const reason = tool ? 'tool_use' : 'end_turn'
    const message = { id: 'msg_1', type: 'message', role: 'assistant', model: NAME, content: [], stop_reason: null, stop_sequence: null, usage: USAGE }
    if (!stream) return json(answer, { ...message, content: [block], stop_reason: reason })
    const begun = tool ? { ...block, input: {} } : { ...block, text: '' }
    const delta = tool ? { type: 'input_json_delta', partial_json: JSON.stringify(input) } : { type: 'text_delta', text: block.text }
    events(answer, [
      { type: 'message_start', message },
      { type: 'content_block_start', index: 0, content_block: begun },
      { type: 'content_block_delta', index: 0, delta },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: reason, stop_sequence: null }, usage: USAGE },
      { type: 'message_stop' },
    ].map(event => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`))
  }

  function completions({ messages: said = [], tools = [], stream }, answer) {
    const results = said.filter(({ role }) => role === 'tool')
    for (const { content } of results) told.push({ isError: true, text: textOf(content) })
    const name = results.length === 0 && tools.map(tool => tool.function?.name).find(name => name?.endsWith(suffix))
    const call = { index: 0, id: 'call_1', type: 'function', function: { name, arguments: JSON.stringify(input) } }
    const message = name ? { role: 'assistant', tool_calls: [call] } : { role: 'assistant', content: 'Done.' }
    const reason = name ? 'tool_calls' : 'stop'
    const about = { id: 'c_1', created: 1, model: NAME }
    if (!stream) return json(answer, { ...about, object: 'chat.completion', choices: [{ index: 0, message, finish_reason: reason }] })
    const chunk = choice => ({ ...about, object: 'chat.completion.chunk', choices: [{ index: 0, ...choice }] })
    const chunks = [chunk({ delta: message, finish_reason: null }), chunk({ delta: {}, finish_reason: reason })]
    events(answer, [...chunks.map(one => `data: ${JSON.stringify(one)}\n\n`), 'data: [DONE]\n\n'])
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  server.unref()
  return { url: `http://127.0.0.1:${server.address().port}`, heard: () => told.at(-1) ?? { isError: false, text: '' } }
}

const textOf = content => Array.isArray(content) ? content.map(({ text }) => text ?? '').join('') : `${content ?? ''}`

const json = (answer, body) => answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))

function events(answer, all) {
  answer.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const event of all) answer.write(event)
  answer.end()
}
