// The emulator as an application sees it.
const TENANT = '11111111-1111-1111-1111-111111111111'
export const API = 'a0000000-0000-4000-8000-000000000001'
/** Consented to by an administrator, and not. */
export const CLI = 'c0000000-0000-4000-8000-000000000001'
export const CLI2 = 'c0000000-0000-4000-8000-000000000002'

// The pair of RFC 7636, appendix B.
export const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
export const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
/** Must come back byte for byte. */
export const STATE = `x&y="z"'<b>ä+ %41`

const SCOPE = `api://${API}/access offline_access`

/** An authorization request; `changes` replaces parameters, `undefined` removes them. */
export function authorize(base, callback, changes = {}) {
  const url = new URL(`${base}/${TENANT}/oauth2/v2.0/authorize`)
  url.search = query({
    client_id: CLI, response_type: 'code', redirect_uri: callback, scope: SCOPE, state: STATE,
    code_challenge: CHALLENGE, code_challenge_method: 'S256', ...changes,
  })
  return url.href
}

/** The same parameters as a query, without those that are undefined. */
export const query = parameters =>
  new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== undefined)).toString()

/** The claims of the access token that the code buys. */
export async function redeem(base, code, redirect_uri, client_id) {
  const form = new URLSearchParams(
    { grant_type: 'authorization_code', client_id, code, redirect_uri, code_verifier: VERIFIER, scope: SCOPE })
  const answer = await (await fetch(`${base}/${TENANT}/oauth2/v2.0/token`, { method: 'POST', body: form })).json()
  if (!answer.access_token) throw new Error(`the code was not taken: ${answer.error_description}`)
  return JSON.parse(Buffer.from(answer.access_token.split('.')[1], 'base64url'))
}

/** Codes of the device flow: what a device shows and the page asks for. */
export async function deviceCode(base, client_id) {
  const body = new URLSearchParams({ client_id, scope: SCOPE })
  return (await (await fetch(`${base}/${TENANT}/oauth2/v2.0/devicecode`, { method: 'POST', body })).json()).user_code
}

export const devicePage = (base, parameters = {}) => `${base}/common/oauth2/deviceauth?${query(parameters)}`
export const logoutPage = base => `${base}/${TENANT}/oauth2/v2.0/logout`

/** Changes the emulator's settings. */
export async function settings(base, changes) {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${base}/__emulator/settings`, { method: 'PATCH', headers, body: JSON.stringify(changes) })
  if (!answer.ok) throw new Error(await answer.text())
}
