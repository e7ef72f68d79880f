// @azure/identity.
import {
  AuthorizationCodeCredential, ClientCertificateCredential, ClientSecretCredential, DeviceCodeCredential,
  InteractiveBrowserCredential, OnBehalfOfCredential,
} from '@azure/identity'
import * as entra from '../lib/entra.mjs'
import { assert, check, refused } from '../lib/checks.mjs'

const options = { authorityHost: entra.EMULATOR, disableInstanceDiscovery: true }
const { TENANT, API, WEB, DAEMON, DESKTOP, ACCESS } = entra
const byDefault = `api://${API}/.default`
const token = async (credential, scope) => entra.claims((await credential.getToken(scope)).token)

await check('client credentials: secret', async () => {
  const claims = await token(new ClientSecretCredential(TENANT, DAEMON, 'd3mon', options), byDefault)
  assert.deepEqual([claims.roles, claims.azpacr], [['Tools.All'], '1'])
})
await check('client credentials: certificate', async () => {
  const pem = { certificate: `${entra.CERTIFICATE}\n${entra.KEY}` }
  for (const sendCertificateChain of [false, true]) {
    const credential = new ClientCertificateCredential(TENANT, WEB, pem, { ...options, sendCertificateChain })
    assert.equal((await token(credential, byDefault)).azpacr, '2')
  }
})
await check('client credentials: a wrong secret', async () => {
  await refused(7000215, new ClientSecretCredential(TENANT, WEB, 'wrong', options).getToken(byDefault))
})
await check('interactive: authorization code with PKCE, then silent refresh', async () => {
  // Shorter than the reserve that the library keeps: the next call refreshes.
  await entra.control('PATCH', '/settings', { access_token_seconds: 60 })
  try {
    const credential = new InteractiveBrowserCredential({ ...options, tenantId: TENANT, clientId: DESKTOP, redirectUri: 'http://localhost' })
    const first = (await credential.getToken(ACCESS)).token
    assert.equal(entra.claims(first).oid, '00000000-aaaa-4000-8000-000000000001')
    const second = (await credential.getToken(ACCESS)).token
    assert.notEqual(first, second)
    assert.equal(entra.claims(second).oid, entra.claims(first).oid)
    const grants = (await entra.control('GET', '/requests')).map(({ form }) => Object.fromEntries(form).grant_type)
    assert.equal(grants.filter(Boolean).at(-1), 'refresh_token')
  } finally {
    await entra.control('PATCH', '/settings', { access_token_seconds: null })
  }
})
await check('authorization code of a confidential client', async () => {
  const url = new URL(`${entra.AUTHORITY}/oauth2/v2.0/authorize`)
  url.search = new URLSearchParams(
    { client_id: WEB, response_type: 'code', redirect_uri: entra.WEB_REDIRECT, scope: `${ACCESS} openid offline_access` })
  const code = (await entra.signIn(url)).searchParams.get('code')
  const credential = new AuthorizationCodeCredential(TENANT, WEB, 's3cret', code, entra.WEB_REDIRECT, options)
  assert.equal((await token(credential, ACCESS)).azp, WEB)
})
await check('device code', async () => {
  const userPromptCallback = ({ userCode }) => { entra.approveDevice(userCode, 'bob') }
  const credential = new DeviceCodeCredential({ ...options, tenantId: TENANT, clientId: DESKTOP, userPromptCallback })
  assert.equal((await token(credential, ACCESS)).oid, '00000000-aaaa-4000-8000-000000000002')
})
await check('on behalf of: secret and certificate', async () => {
  const userAssertionToken = await entra.mint({})
  const common = { ...options, tenantId: TENANT, clientId: API, userAssertionToken }
  const bySecret = new OnBehalfOfCredential({ ...common, clientSecret: 'api-s3cret' })
  assert.equal((await token(bySecret, `${entra.GRAPH}/.default`)).scp, 'User.Read')
  const byCertificate = new OnBehalfOfCredential({ ...common, certificatePath: process.env.PEM_FILE })
  const claims = await token(byCertificate, `api://${entra.SIBLING}/access`)
  assert.deepEqual([claims.aud, claims.azpacr], [entra.SIBLING, '2'])
})
