// @azure/msal-node.
import { ConfidentialClientApplication, CryptoProvider, PublicClientApplication } from '@azure/msal-node'
import { createHash, X509Certificate } from 'node:crypto'
import * as entra from '../lib/entra.mjs'
import { assert, check, refused } from '../lib/checks.mjs'

const auth = changes => ({ auth: { authority: entra.AUTHORITY, knownAuthorities: [entra.HOST], ...changes } })
const desktop = new PublicClientApplication(auth({ clientId: entra.DESKTOP }))
const scopes = [entra.ACCESS]

/** Authorization code with PKCE, as a program does that opens the browser itself. */
async function byCode(app, redirectUri, more = {}) {
  const { verifier, challenge } = await new CryptoProvider().generatePkceCodes()
  const url = await app.getAuthCodeUrl({ scopes, redirectUri, codeChallenge: challenge, codeChallengeMethod: 'S256', ...more })
  const code = (await entra.signIn(url)).searchParams.get('code')
  return { code, redeem: () => app.acquireTokenByCode({ scopes, redirectUri, code, codeVerifier: verifier }) }
}

async function silent(app, account) {
  const before = await app.acquireTokenSilent({ scopes, account })
  assert.equal(before.fromCache, true)
  const after = await app.acquireTokenSilent({ scopes, account, forceRefresh: true })
  assert.equal(after.fromCache, false)
  assert.notEqual(after.accessToken, before.accessToken)
  assert.equal(entra.claims(after.accessToken).scp, 'access')
}

await check('public: authorization code with PKCE', async () => {
  const result = await (await byCode(desktop, 'http://localhost:53682')).redeem()
  const claims = entra.claims(result.accessToken)
  assert.deepEqual([claims.aud, claims.azp, claims.scp, claims.roles], [entra.API, entra.DESKTOP, 'access', ['Admin']])
  assert.equal(result.account.username, 'alice@contoso.test')
  assert.equal(result.account.tenantId, entra.TENANT)
  assert.ok(result.scopes.includes(entra.ACCESS), `${result.scopes}`)
})
await check('public: silent from the cache, then by refresh', async () => {
  await silent(desktop, (await desktop.getAllAccounts())[0])
})
await check('public: a code without its verifier is refused', async () => {
  const { code } = await byCode(desktop, 'http://localhost:53682')
  await refused(501481, desktop.acquireTokenByCode({ scopes, redirectUri: 'http://localhost:53682', code }))
})
await check('public: interactive over a loopback server', async () => {
  const openBrowser = async url => { entra.visit(url, 'bob') }
  const app = new PublicClientApplication(auth({ clientId: entra.DESKTOP }))
  const result = await app.acquireTokenInteractive({ scopes, openBrowser })
  assert.equal(result.account.username, 'bob@contoso.test')
  await silent(app, result.account)
})
await check('public: device code', async () => {
  const result = await desktop.acquireTokenByDeviceCode({
    scopes,
    deviceCodeCallback: ({ userCode }) => entra.approveDevice(userCode, 'frank'),
  })
  assert.equal(result.account.username, 'frank@contoso.test')
})
await check('public: a policy asks for interaction, with claims', async () => {
  const account = (await desktop.getAllAccounts()).find(({ username }) => username === 'alice@contoso.test')
  await entra.control('PATCH', '/settings', { mfa_required_users: ['alice'] })
  try {
    const error = await desktop.acquireTokenSilent({ scopes, account, forceRefresh: true }).then(() => undefined, error => error)
    assert.equal(error?.constructor.name, 'InteractionRequiredAuthError', `${error}`)
    assert.match(error.claims, /access_token/)
  } finally {
    await entra.control('PATCH', '/settings', { mfa_required_users: [] })
  }
})
await check('public: with the emulator\'s own instance discovery', async () => {
  const answer = await fetch(`${entra.EMULATOR}/common/discovery/instance?api-version=1.1&authorization_endpoint=${
    encodeURIComponent(`${entra.AUTHORITY}/oauth2/v2.0/authorize`)}`)
  const cloudDiscoveryMetadata = await answer.text()
  const app = new PublicClientApplication({ auth: { clientId: entra.DESKTOP, authority: entra.AUTHORITY, cloudDiscoveryMetadata } })
  const result = await (await byCode(app, 'http://localhost:53682')).redeem()
  await silent(app, result.account)
})

const web = new ConfidentialClientApplication(auth({ clientId: entra.WEB, clientSecret: 's3cret' }))
const sha256 = createHash('sha256').update(new X509Certificate(entra.CERTIFICATE).raw).digest('hex')
const clientCertificate = { thumbprintSha256: sha256, privateKey: entra.KEY }
const byDefault = { scopes: [`api://${entra.API}/.default`] }

await check('confidential: authorization code with PKCE and a secret', async () => {
  const result = await (await byCode(web, entra.WEB_REDIRECT)).redeem()
  assert.equal(entra.claims(result.accessToken).azpacr, '1')
  await silent(web, result.account)
})
await check('confidential: authorization code with PKCE and a certificate', async () => {
  const app = new ConfidentialClientApplication(auth({ clientId: entra.WEB, clientCertificate }))
  const result = await (await byCode(app, entra.WEB_REDIRECT)).redeem()
  assert.equal(entra.claims(result.accessToken).azpacr, '2')
})
await check('client credentials: secret', async () => {
  const app = new ConfidentialClientApplication(auth({ clientId: entra.DAEMON, clientSecret: 'd3mon' }))
  const result = await app.acquireTokenByClientCredential(byDefault)
  const claims = entra.claims(result.accessToken)
  assert.deepEqual([claims.roles, claims.azpacr, claims.scp], [['Tools.All'], '1', undefined])
  assert.equal((await app.acquireTokenByClientCredential(byDefault)).fromCache, true)
})
await check('client credentials: certificate, by SHA-256 and by SHA-1, with x5c', async () => {
  const sha1 = createHash('sha1').update(new X509Certificate(entra.CERTIFICATE).raw).digest('hex')
  for (const form of [clientCertificate, { thumbprint: sha1, privateKey: entra.KEY }, { ...clientCertificate, x5c: entra.CERTIFICATE }]) {
    const app = new ConfidentialClientApplication(auth({ clientId: entra.WEB, clientCertificate: form }))
    assert.equal(entra.claims((await app.acquireTokenByClientCredential(byDefault)).accessToken).azpacr, '2')
  }
})
await check('client credentials: a wrong and an expired secret', async () => {
  for (const [clientSecret, code] of [['wrong', 7000215], ['old', 7000222]]) {
    const app = new ConfidentialClientApplication(auth({ clientId: entra.WEB, clientSecret }))
    await refused(code, app.acquireTokenByClientCredential(byDefault))
  }
})
const middle = () => new ConfidentialClientApplication(auth({ clientId: entra.API, clientSecret: 'api-s3cret' }))
await check('on behalf of: Microsoft Graph and another API', async () => {
  const { accessToken } = await (await byCode(desktop, 'http://localhost:53682')).redeem()
  const graph = await middle().acquireTokenOnBehalfOf({ oboAssertion: accessToken, scopes: [`${entra.GRAPH}/User.Read`] })
  assert.deepEqual([entra.claims(graph.accessToken).aud, graph.account.username], [entra.GRAPH, 'alice@contoso.test'])
  const me = await fetch(`${entra.EMULATOR}/v1.0/me`, { headers: { authorization: `Bearer ${graph.accessToken}` } })
  assert.equal((await me.json()).userPrincipalName, 'alice@contoso.test')
  const other = await middle().acquireTokenOnBehalfOf({ oboAssertion: accessToken, scopes: [`api://${entra.SIBLING}/access`] })
  assert.deepEqual([entra.claims(other.accessToken).aud, entra.claims(other.accessToken).azp], [entra.SIBLING, entra.API])
})
await check('on behalf of: refused for another app\'s token, for an app, without consent', async () => {
  const ask = async (request, scope) =>
    middle().acquireTokenOnBehalfOf({ oboAssertion: await entra.mint(request), scopes: [`${entra.GRAPH}/${scope}`] })
  await refused(500131, ask({ app: 'SIBLING' }, 'User.Read'))
  await refused(7000114, ask({ user: null }, 'User.Read'))
  await refused(65001, ask({}, 'Mail.Read'))
})
await check('9002327: a code of a single-page app is for browsers', async () => {
  const app = new PublicClientApplication(auth({ clientId: entra.SPA }))
  const { redeem } = await byCode(app, 'http://localhost:6274/oauth/callback')
  await refused(9002327, redeem())
})
