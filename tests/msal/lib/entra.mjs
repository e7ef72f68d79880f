// The emulator as the drivers see it. Its address is $EMULATOR, https; its certificate authority is trusted by
// NODE_EXTRA_CA_CERTS alone, as docs/reference/emulator.md says.
import { readFileSync } from 'node:fs'

export const EMULATOR = process.env.EMULATOR
export const TENANT = '11111111-1111-1111-1111-111111111111'
export const AUTHORITY = `${EMULATOR}/${TENANT}`
export const HOST = EMULATOR && new URL(EMULATOR).host

export const API = 'a0000000-0000-4000-8000-000000000001'
export const API1 = 'a0000000-0000-4000-8000-000000000002'
export const SIBLING = 'a0000000-0000-4000-8000-000000000004'
export const DESKTOP = 'c0000000-0000-4000-8000-000000000003'
export const CLI = 'c0000000-0000-4000-8000-000000000001'
export const WEB = 'e0000000-0000-4000-8000-000000000001'
export const SPA = '5a000000-0000-4000-8000-000000000001'
export const DAEMON = 'd0000000-0000-4000-8000-000000000001'
export const GRAPH = 'https://graph.microsoft.com'

export const ACCESS = `api://${API}/access`
export const WEB_REDIRECT = 'https://gw.contoso.test/auth/callback'

const keys = new URL('../../../crates/entragate-emulator/keys/', import.meta.url)
export const CERTIFICATE_FILE = new URL('client-certificate.pem', keys).pathname
export const KEY_FILE = new URL('client-key.pem', keys).pathname
export const CERTIFICATE = readFileSync(CERTIFICATE_FILE, 'utf8')
export const KEY = readFileSync(KEY_FILE, 'utf8')

/** Signs `user` in at an authorize URL without a page; resolves with the answer that goes to the redirect URI. */
async function authorize(url, user) {
  const answer = await fetch(url, { headers: { 'x-emulator-user': user }, redirect: 'manual' })
  const location = answer.headers.get('location')
  if (location) return { to: new URL(location) }
  // response_mode=form_post: a page with a form that sends itself.
  const html = await answer.text()
  const [, action] = /<form\b[^>]*action="([^"]*)"/.exec(html) ?? []
  const fields = [...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(([, ...pair]) => pair.map(plain))
  if (!action || !fields.length) throw new Error(`no redirect but ${answer.status}: ${html.slice(-1000)}`)
  return { to: new URL(plain(action)), body: new URLSearchParams(fields) }
}

const plain = html => html.replace(/&#x([0-9a-f]+);|&#(\d+);/gi, (_, hex, decimal) => String.fromCodePoint(hex ? parseInt(hex, 16) : decimal))
  .replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')

/** The URL that the emulator redirects to. */
export const signIn = async (url, user = 'alice') => (await authorize(url, user)).to

/** What a browser does: it goes there. */
export async function visit(url, user = 'alice') {
  const { to, body } = await authorize(url, user)
  await fetch(to, { method: body ? 'POST' : 'GET', body })
}

/** What a person does at the device page. */
export async function approveDevice(userCode, user = 'alice') {
  const body = new URLSearchParams({ user_code: userCode, __emulator_user: user, __emulator_device: 'approve' })
  const answer = await fetch(`${EMULATOR}/common/oauth2/deviceauth`, { method: 'POST', body })
  if (!(await answer.text()).includes('Signed in')) throw new Error(`the device page answered ${answer.status}`)
}

/** A call of the control plane. */
export async function control(method, path, body) {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${EMULATOR}/__emulator${path}`, { method, headers, body: body && JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`)
  return answer.json()
}

/** A token without a sign-in. */
export const mint = async request => (await control('POST', '/tokens', request)).token

export const claims = token => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))
