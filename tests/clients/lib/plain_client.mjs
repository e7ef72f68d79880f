// A client written by hand, for requests that no library makes.
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { visit } from '../browser.mjs'

export const secret = () => randomBytes(32).toString('base64url')
const s256 = verifier => createHash('sha256').update(verifier).digest('base64url')

/** A client with a callback, registered; `changes` break its authorization request. */
export async function client({ base_url, mcp_url }, changes = {}) {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const redirect_uri = `http://127.0.0.1:${server.address().port}/callback`
  const client_id = await register(base_url, redirect_uri)
  const verifier = secret()
  const arrival = new Promise(resolve => server.on('request', (request, response) => {
    response.end('done')
    resolve(new URL(request.url, redirect_uri).searchParams)
  }))
  const parameters = {
    response_type: 'code', client_id, redirect_uri, state: 'xyz', resource: mcp_url,
    code_challenge: s256(verifier), code_challenge_method: 'S256', ...changes,
  }
  const url = new URL(`${base_url}/oauth/authorize`)
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.append(name, value)
  const close = () => server.close()
  return { base_url, mcp_url, client_id, redirect_uri, verifier, url: url.href, arrival, close }
}

export async function register(base_url, redirect_uri) {
  const body = JSON.stringify({ client_name: 'A plain client', redirect_uris: [redirect_uri] })
  const answer = await fetch(`${base_url}/oauth/register`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  return (await answer.json()).client_id
}

/** Signs in and returns the parameters at the callback. */
export async function callback(it) {
  await visit(it.url, 'bob')
  const parameters = await it.arrival
  it.close()
  return parameters
}

export async function token({ base_url }, form) {
  const answer = await fetch(`${base_url}/oauth/token`, { method: 'POST', body: new URLSearchParams(form) })
  return { status: answer.status, body: await answer.json() }
}

export const redemption = (it, code) =>
  ({ grant_type: 'authorization_code', client_id: it.client_id, code, redirect_uri: it.redirect_uri, code_verifier: it.verifier })
