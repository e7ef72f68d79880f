// The tools that the conformance suite calls. One that asks the client for something returns what it asks for and is
// called again with the answers: by the client itself since 2026-07-28, by the SDK's own requests to the client before.
import { setTimeout as sleep } from 'node:timers/promises'
import { acceptedContent, inputRequired, inputResponse } from '@modelcontextprotocol/server'

export const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const SILENCE = Buffer.from('RIFF$\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0@\x1f\0\0@\x1f\0\0\x01\0\x08\0data\0\0\0\0', 'latin1').toString('base64')

const text = value => ({ type: 'text', text: value })
const image = { type: 'image', data: PIXEL, mimeType: 'image/png' }
const audio = { type: 'audio', data: SILENCE, mimeType: 'audio/wav' }
const embedded = { type: 'resource', resource: { uri: 'test://embedded-resource', mimeType: 'text/plain', text: 'Embedded.' } }
const says = value => ({ content: [text(value)] })

const NOTHING = { type: 'object', properties: {} }
const object = (properties, required = Object.keys(properties)) => ({ type: 'object', properties, required })
const string = { type: 'string' }
const form = (message, properties, required) => inputRequired.elicit({ message, requestedSchema: object(properties, required) })
const sampling = prompt => inputRequired.createMessage({ messages: [{ role: 'user', content: text(prompt) }], maxTokens: 50 })
const ask = (inputRequests, requestState) => inputRequired({ inputRequests, ...(requestState && { requestState }) })
const accepted = (ctx, key) => acceptedContent(ctx.mcpReq.inputResponses, key)
const sampled = (ctx, key) => {
  const answer = inputResponse(ctx.mcpReq.inputResponses, key)
  return answer.kind === 'sampling' ? [answer.result.content].flat().map(part => part.text).join('') : undefined
}
const roots = (ctx, key) => {
  const answer = inputResponse(ctx.mcpReq.inputResponses, key)
  return answer.kind === 'roots' ? answer.roots : undefined
}
const capabilities = ctx => ctx.mcpReq.envelope?.['io.modelcontextprotocol/clientCapabilities']

/** Asks for a form and says what was filled in. */
const formTool = (message, properties) => ctx => {
  const answer = inputResponse(ctx.mcpReq.inputResponses, 'form')
  if (answer.kind !== 'elicit') return ask({ form: form(message, properties, []) })
  return says(`action=${answer.action}, content=${JSON.stringify(answer.content ?? {})}`)
}

const titled = values => values.map(([value, title]) => ({ const: value, title }))
const three = ['option1', 'option2', 'option3']
const TITLES = [['value1', 'First'], ['value2', 'Second'], ['value3', 'Third']]
const ENUMS = {
  untitledSingle: { type: 'string', enum: three },
  titledSingle: { type: 'string', oneOf: titled(TITLES) },
  legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['One', 'Two', 'Three'] },
  untitledMulti: { type: 'array', items: { type: 'string', enum: three }, minItems: 1, maxItems: 3 },
  titledMulti: { type: 'array', items: { anyOf: titled(TITLES) }, minItems: 1, maxItems: 3 },
}
const DEFAULTS = {
  name: { type: 'string', default: 'John Doe' },
  age: { type: 'integer', default: 30 },
  score: { type: 'number', default: 95.5 },
  status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
  verified: { type: 'boolean', default: true },
}

/** Everything that JSON Schema 2020-12 brought, which must survive on the way. */
const SCHEMA_2020_12 = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: { address: { $anchor: 'addressDef', type: 'object', properties: { street: string, city: string } } },
  properties: { name: string, address: { $ref: '#/$defs/address' }, contactMethod: { type: 'string', enum: ['phone', 'email'] }, phone: string, email: string },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
}

/** Name → input schema and function of arguments and context; `seal` makes request states, `changed` tells subscribers. */
export const tools = (seal, changed) => ({
  // The suite takes its parameter for the checks of Mcp-Param headers.
  test_x_mcp_header: [object({ region: { type: 'string', 'x-mcp-header': 'Region' } }), ({ region }) => says(region)],
  test_simple_text: [NOTHING, () => says('This is a simple text response for testing.')],
  test_image_content: [NOTHING, () => ({ content: [image] })],
  test_audio_content: [NOTHING, () => ({ content: [audio] })],
  test_embedded_resource: [NOTHING, () => ({ content: [embedded] })],
  test_multiple_content_types: [NOTHING, () => ({ content: [text('Several:'), image, embedded] })],
  test_error_handling: [NOTHING, () => { throw new Error('This tool fails on purpose') }],
  test_tool_with_logging: [NOTHING, async (_, ctx) => {
    for (const data of ['started', 'working', 'done']) {
      await ctx.mcpReq.notify({ method: 'notifications/message', params: { level: 'info', data } })
      await sleep(20)
    }
    return says('logged')
  }],
  test_tool_with_progress: [NOTHING, async (_, ctx) => {
    const progressToken = ctx.mcpReq._meta?.progressToken ?? 0
    for (const progress of [0, 50, 100]) {
      await ctx.mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, total: 100 } })
      await sleep(20)
    }
    return says(`${progressToken}`)
  }],
  test_reconnection: [NOTHING, async (_, ctx) => {
    ctx.http?.closeSSE?.()
    await sleep(100)
    return says('still here')
  }],
  test_sampling: [object({ prompt: string }), ({ prompt }, ctx) => {
    const answer = sampled(ctx, 'sample')
    return answer === undefined ? ask({ sample: sampling(prompt) }) : says(`LLM response: ${answer}`)
  }],
  test_elicitation: [object({ message: string }), ({ message }, ctx) => formTool(message, { response: string })(ctx)],
  test_elicitation_sep1034_defaults: [NOTHING, (_, ctx) => formTool('Defaults', DEFAULTS)(ctx)],
  test_elicitation_sep1330_enums: [NOTHING, (_, ctx) => formTool('Enums', ENUMS)(ctx)],
  json_schema_2020_12_tool: [SCHEMA_2020_12, args => says(JSON.stringify(args))],
  ...inputTools(seal),
  ...currentTools(changed),
})

/** Results that ask for more (SEP-2322). */
const inputTools = seal => ({
  test_input_required_result_elicitation: [NOTHING, (_, ctx) => {
    const answer = accepted(ctx, 'user_name')
    return answer ? says(`Hello, ${answer.name}!`) : ask({ user_name: form('What is your name?', { name: string }) })
  }],
  test_input_required_result_sampling: [NOTHING, (_, ctx) => {
    const answer = sampled(ctx, 'capital')
    return answer === undefined ? ask({ capital: sampling('What is the capital of France?') }) : says(answer)
  }],
  test_input_required_result_list_roots: [NOTHING, (_, ctx) => {
    const answer = roots(ctx, 'client_roots')
    return answer ? says(`${answer.length} roots`) : ask({ client_roots: inputRequired.listRoots() })
  }],
  test_input_required_result_request_state: [NOTHING, async (_, ctx) => {
    if (ctx.mcpReq.requestState() && accepted(ctx, 'confirm')) return says('state-ok')
    return ask({ confirm: form('Please confirm', { ok: { type: 'boolean' } }) }, await seal({ round: 1 }))
  }],
  test_input_required_result_multiple_inputs: [NOTHING, async (_, ctx) => {
    const [user, greeting, known] = [accepted(ctx, 'user_name'), sampled(ctx, 'greeting'), roots(ctx, 'client_roots')]
    if (user && greeting !== undefined && known) return says(`${user.name}: ${greeting}, ${known.length} roots`)
    const wanted = { user_name: form('What is your name?', { name: string }), greeting: sampling('Greet'), client_roots: inputRequired.listRoots() }
    return ask(wanted, await seal({ round: 1 }))
  }],
  test_input_required_result_multi_round: [NOTHING, async (_, ctx) => {
    const state = ctx.mcpReq.requestState()
    const [name, color] = [accepted(ctx, 'step1')?.name, accepted(ctx, 'step2')?.color]
    if (state?.round === 2 && color) return says(`${state.name} likes ${color}`)
    if (state?.round === 1 && name) return ask({ step2: form('Which color?', { color: string }) }, await seal({ round: 2, name }))
    return ask({ step1: form('What is your name?', { name: string }) }, await seal({ round: 1 }))
  }],
  test_input_required_result_tampered_state: [NOTHING, async (_, ctx) => {
    if (ctx.mcpReq.requestState() && accepted(ctx, 'confirm')) return says('integrity-ok')
    return ask({ confirm: form('Please confirm', { ok: { type: 'boolean' } }) }, await seal({ round: 1 }))
  }],
  test_input_required_result_capabilities: [NOTHING, (_, ctx) => {
    if (Object.keys(ctx.mcpReq.inputResponses ?? {}).length) return says('capabilities-ok')
    const wanted = {
      ...(capabilities(ctx)?.elicitation && { form: form('A value', { value: string }) }),
      ...(capabilities(ctx)?.sampling && { sample: sampling('A sample') }),
    }
    return Object.keys(wanted).length ? ask(wanted) : says('nothing to ask with')
  }],
})

/** What SEP-2575 looks at: capabilities, streams and subscriptions without a session. */
const currentTools = changed => ({
  // The SDK refuses to ask for what the client does not know.
  test_missing_capability: [NOTHING, (_, ctx) => (capabilities(ctx)?.sampling ? says('sampling is there') : ask({ sample: sampling('A sample') }))],
  test_streaming_elicitation: [NOTHING, async (_, ctx) => {
    const progressToken = ctx.mcpReq._meta?.progressToken ?? 'none'
    await ctx.mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress: 50, total: 100 } })
    return says('streamed')
  }],
  test_logging_tool: [NOTHING, async (_, ctx) => {
    await ctx.mcpReq.log('info', 'only for who asked')
    return says('logged')
  }],
  test_trigger_tool_change: [NOTHING, () => {
    changed().toolsChanged()
    return says('tools changed')
  }],
  test_trigger_prompt_change: [NOTHING, () => {
    changed().promptsChanged()
    return says('prompts changed')
  }],
})
