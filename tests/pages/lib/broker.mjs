// The gateway in broker mode as an application sees it.
import { CHALLENGE, STATE, VERIFIER, query } from './entra.mjs'

/** A client of its own; resolves with the client ID. */
export async function register({ base_url }, client_name, redirect_uri) {
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ client_name, redirect_uris: [redirect_uri] })
  const answer = await (await fetch(`${base_url}/oauth/register`, { method: 'POST', headers, body })).json()
  if (!answer.client_id) throw new Error(`not registered: ${answer.error_description}`)
  return answer.client_id
}

/** An authorization request; `changes` replaces parameters, `undefined` removes them. */
export const brokered = ({ base_url }, client_id, redirect_uri, changes = {}) =>
  `${base_url}/oauth/authorize?${query({
    response_type: 'code', client_id, redirect_uri, state: STATE, code_challenge: CHALLENGE, code_challenge_method: 'S256',
    ...changes,
  })}`

/** Redeems the code and calls the MCP server, as far as its first answer. */
export async function useCode({ base_url, mcp_url }, client_id, redirect_uri, code) {
  const form = new URLSearchParams({ grant_type: 'authorization_code', client_id, code, redirect_uri, code_verifier: VERIFIER })
  const tokens = await (await fetch(`${base_url}/oauth/token`, { method: 'POST', body: form })).json()
  if (!tokens.access_token) throw new Error(`the code was not taken: ${tokens.error_description}`)
  const headers = {
    authorization: `Bearer ${tokens.access_token}`, 'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  }
  const clientInfo = { name: 'pages', version: '1' }
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params })
  const answer = await fetch(mcp_url, { method: 'POST', headers, body })
  await answer.text()
  if (!answer.ok) throw new Error(`the MCP server answered ${answer.status}`)
}

/** The id of the sign-in, as the consent page and the failure page show it. */
export const traceOf = async page => /\b[0-9a-f]{20}\b/.exec(await page.getByRole('main').innerText())[0]
