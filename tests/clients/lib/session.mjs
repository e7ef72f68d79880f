// What every driver does with a connected client. It only notes what the client saw; `judge.mjs` decides what is right.
import { writeFileSync } from 'node:fs'
import { advance, requests } from './emulator.mjs'

const TWO_HOURS = 7200

/**
 * Lists, calls, is refused, calls again, and once more after the token has expired.
 *
 * `connect` signs in and returns `listTools() -> [name]` and `callTool(name, arguments) -> MCP result`.
 */
export async function session(version, connect) {
  const seen = { version }
  try {
    const client = await connect(seen)
    seen.connected = true
    seen.tools = await client.listTools()
    seen.echo = told(await client.callTool('echo', { message: 'hello' }))
    seen.logLengthBeforeRefusal = (await requests()).length
    seen.guarded = told(await client.callTool('get-env', {}))
    seen.conditional = told(await client.callTool('get-sum', { a: 5000, b: 1 }))
    seen.echoAfterwards = told(await client.callTool('echo', { message: 'still here' }))
    seen.logLengthAfterRefusal = (await requests()).length
    seen.logLengthAtExpiry = (await requests()).length
    await advance(TWO_HOURS)
    seen.echoAfterExpiry = told(await client.callTool('echo', { message: 'later' }))
    await client.close()
  } catch (error) {
    seen.error = `${error.stack ?? error}`
  }
  writeFileSync(`${process.env.EVIDENCE}/seen.json`, JSON.stringify(seen, null, 2))
  process.exit(seen.error ? 1 : 0)
}

function told(result) {
  return { isError: result.isError === true, text: result.content?.[0]?.text ?? '' }
}
