// Clients that are broken on purpose, as the conformance suite's own examples are: each makes one mistake, and must be told
// so in OAuth's words, without a token and without harm to anybody else. Each returns what is wrong, or nothing.
import { callback, client, redemption, secret, token } from '../clients/lib/plain_client.mjs'

/** The callback has this error, the state and our issuer, and no code. */
function refusedAtCallback(it, parameters, error) {
  const seen = Object.fromEntries(parameters)
  if (seen.error !== error || seen.code || seen.state !== 'xyz' || seen.iss !== it.base_url) return `the callback got ${JSON.stringify(seen)}`
}

function refused({ status, body }, expected, error) {
  if (status !== expected || body.error !== error || !body.error_description || body.access_token) return `${status} ${JSON.stringify(body)}`
}

/** Whether the browser gets to no callback: what it is shown instead. */
async function page(url) {
  const answer = await fetch(url, { redirect: 'manual', headers: { accept: 'text/html' } })
  if (answer.headers.has('location')) return { redirected: answer.headers.get('location') }
  return { status: answer.status, html: await answer.text() }
}

export const BROKEN = {
  'no PKCE: invalid_request at the callback': async world => {
    const it = await client(world, { code_challenge: undefined, code_challenge_method: undefined })
    return refusedAtCallback(it, await callback(it), 'invalid_request')
  },
  'PKCE plain: invalid_request at the callback': async world => {
    const it = await client(world, { code_challenge_method: 'plain' })
    return refusedAtCallback(it, await callback(it), 'invalid_request')
  },
  'another resource: invalid_target at the callback': async world => {
    const it = await client(world, { resource: 'https://elsewhere.example.com/mcp' })
    return refusedAtCallback(it, await callback(it), 'invalid_target')
  },
  'implicit flow: unsupported_response_type at the callback': async world => {
    const it = await client(world, { response_type: 'token' })
    return refusedAtCallback(it, await callback(it), 'unsupported_response_type')
  },
  'credentials of another authorization server: a page, and nobody is redirected': async world => {
    const it = await client(world, { client_id: 'from-another-server' })
    const seen = await page(it.url)
    it.close()
    return seen.status === 400 && /client_id is not known/.test(seen.html) ? undefined : JSON.stringify(seen)
  },
  'an unregistered redirect URI: a page, and nobody is redirected': async world => {
    const it = await client(world, { redirect_uri: 'http://127.0.0.1:9/elsewhere' })
    const seen = await page(it.url)
    it.close()
    return seen.status === 400 ? undefined : JSON.stringify(seen)
  },
  'a wrong verifier: invalid_grant, and the right one still works': async world => {
    const it = await client(world)
    const code = (await callback(it)).get('code')
    const wrong = refused(await token(it, { ...redemption(it, code), code_verifier: secret() }), 400, 'invalid_grant')
    const right = await token(it, redemption(it, code))
    return wrong ?? (right.status === 200 ? undefined : `the right verifier got ${right.status} ${JSON.stringify(right.body)}`)
  },
  'a code redeemed twice: invalid_grant': async world => {
    const it = await client(world)
    const code = (await callback(it)).get('code')
    await token(it, redemption(it, code))
    return refused(await token(it, redemption(it, code)), 400, 'invalid_grant')
  },
  "another client's code: invalid_grant": async world => {
    const it = await client(world)
    const other = await client(world)
    other.close()
    const code = (await callback(it)).get('code')
    return refused(await token(it, { ...redemption(it, code), client_id: other.client_id }), 400, 'invalid_grant')
  },
  'tokens for another resource: invalid_target': async world => {
    const it = await client(world)
    const code = (await callback(it)).get('code')
    return refused(await token(it, { ...redemption(it, code), resource: 'https://elsewhere.example.com/mcp' }), 400, 'invalid_target')
  },
  'a client that never stops trying: 401 each time, and the server still answers others': async world => {
    for (let attempt = 0; attempt < 30; attempt++) {
      const answer = await fetch(world.mcp_url, { method: 'POST', headers: { authorization: 'Bearer ega_madeup', 'content-type': 'application/json' }, body: '{}' })
      if (answer.status !== 401 || !/invalid_token/.test(answer.headers.get('www-authenticate'))) return `attempt ${attempt}: ${answer.status}`
    }
    const it = await client(world)
    return (await callback(it)).get('code') ? undefined : 'another client could not sign in'
  },
  'a refresh token as access token: 401': async world => {
    const it = await client(world)
    const code = (await callback(it)).get('code')
    const { body } = await token(it, redemption(it, code))
    const answer = await fetch(world.mcp_url, { method: 'POST', headers: { authorization: `Bearer ${body.refresh_token}`, 'content-type': 'application/json' }, body: '{}' })
    return answer.status === 401 ? undefined : `${answer.status}`
  },
  'a registration with a redirect URI elsewhere: invalid_redirect_uri': async ({ base_url }) => {
    const body = JSON.stringify({ client_name: 'x', redirect_uris: ['https://evil.example.com/cb', 'javascript:alert(1)'] })
    const answer = await fetch(`${base_url}/oauth/register`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    return refused({ status: answer.status, body: await answer.json() }, 400, 'invalid_redirect_uri')
  },
}
