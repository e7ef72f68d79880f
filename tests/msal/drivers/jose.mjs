// Validation of the emulator's tokens as Microsoft.Identity does it, by a library that is not ours: discovery, keys, kid, RS256,
// the issuer that belongs to the key, tid, audience; and minted defects, all refused but an audience in an array.
import { compactVerify, createLocalJWKSet, createRemoteJWKSet, decodeProtectedHeader, errors, jwtVerify } from 'jose'
import * as entra from '../lib/entra.mjs'
import { assert, check } from '../lib/checks.mjs'

const json = async url => (await fetch(url)).json()
const discovery = (authority, version = '/v2.0') => json(`${entra.EMULATOR}/${authority}${version}/.well-known/openid-configuration`)
const mint = (defect, more = {}) => entra.mint({ defect, ...more })
const required = ['exp', 'nbf', 'iss', 'aud', 'tid']

/** For one tenant: the documents of that tenant, an issuer and an audience that are written down. */
async function validate(token, version, audience) {
  const { issuer, jwks_uri } = await discovery(entra.TENANT, version)
  const options = { algorithms: ['RS256'], issuer, audience, requiredClaims: required }
  return (await jwtVerify(token, createRemoteJWKSet(new URL(jwks_uri)), options)).payload
}

/** For any tenant: what Microsoft's own validator does with the documents of `common`. */
async function validateMultiTenant(token, audience) {
  const metadata = await discovery('common')
  const keys = await json(metadata.jwks_uri)
  const { kid } = decodeProtectedHeader(token)
  const key = keys.keys.find(key => key.kid === kid)
  if (!key) throw new Error('the kid is not published')
  const options = { algorithms: ['RS256'], audience, requiredClaims: required }
  const { payload } = await jwtVerify(token, createLocalJWKSet({ keys: [key] }), options)
  const names = JSON.stringify(Object.keys(payload)).match(/"tid"/gi)
  if (names.length !== 1) throw new Error('tid occurs twice')
  if (key.cloud_instance_name !== metadata.cloud_instance_name) throw new Error('the key is of another cloud')
  const v2 = key.issuer.replace('{tenantid}', payload.tid)
  const own = payload.ver === '1.0' ? payload.iss === (await discovery(payload.tid, '')).issuer : payload.iss === v2
  const ofTenant = metadata.issuer.replace('{tenantid}', payload.tid) === v2
  if (!own || !ofTenant) throw new Error('the issuer is not that of the key')
  if (!payload.scp && !payload.roles) throw new Error('neither scp nor roles')
  return payload
}

await check('v2 token: tenant documents', async () => {
  const payload = await validate(await entra.mint({}), '/v2.0', entra.API)
  assert.deepEqual([payload.ver, payload.tid], ['2.0', entra.TENANT])
})
await check('v1 token: tenant documents, each form of its audience', async () => {
  const forms = { requested_uri: `api://${entra.API1}`, any_uri: 'https://v1.contoso.test', with_slash: `api://${entra.API1}/`, guid: entra.API1 }
  for (const [v1_audience, audience] of Object.entries(forms)) {
    await entra.control('PATCH', '/settings', { v1_audience })
    assert.equal((await validate(await entra.mint({ app: 'API1' }), '', audience)).ver, '1.0')
  }
  await entra.control('PATCH', '/settings', { v1_audience: 'requested_uri' })
})
await check('v1 token: the v2 keys verify it too', async () => {
  const { jwks_uri } = await discovery(entra.TENANT)
  await compactVerify(await entra.mint({ app: 'API1' }), createRemoteJWKSet(new URL(jwks_uri)))
})
await check('v1 and v2 tokens: the documents of common, the issuer template of each key', async () => {
  await validateMultiTenant(await entra.mint({}), entra.API)
  await validateMultiTenant(await entra.mint({ app: 'API1' }), `api://${entra.API1}`)
  const otherTenant = await entra.mint({ user: 'mallory' })
  assert.equal((await validateMultiTenant(otherTenant, entra.API)).tid, '22222222-2222-2222-2222-222222222222')
})
await check('a rotated key is found under its kid, a retired one is not', async () => {
  const before = await entra.mint({})
  await entra.control('POST', '/keys/rotate')
  const after = await entra.mint({})
  assert.notEqual(decodeProtectedHeader(before).kid, decodeProtectedHeader(after).kid)
  for (const token of [before, after]) await validate(token, '/v2.0', entra.API)
  await entra.control('POST', '/keys/retire')
  await validate(after, '/v2.0', entra.API)
  await assert.rejects(validate(before, '/v2.0', entra.API), errors.JWKSNoMatchingKey)
})

// What each validator says. Those that only the second one can tell have no entry for the first.
const byTenant = {
  alg_none: /alg/, alg_hs256: /"alg"/, kid_missing: /multiple|matching/, kid_unknown: /no applicable key/, bad_signature: /signature/,
  consumers_key: /no applicable key/, expired: /"exp"/, not_yet_valid: /"nbf"/, no_exp: /"exp"/, no_nbf: /"nbf"/, string_exp: /"exp"/,
  jwe: /Invalid Compact JWS/, graph_nonce: /signature/, id_token: /"aud"/, other_tenant: /"iss"/, sibling_app: /"aud"/, crit_header: /[Ee]xtension/,
}
const byKeyIssuer = {
  consumers_key: /issuer/, wrong_tid: /issuer/, duplicate_tid: /twice/, wrong_cloud_instance: /another cloud/, no_scp_no_roles: /neither/,
}
for (const [defect, why] of Object.entries(byTenant)) {
  await check(`refused for one tenant: ${defect}`, async () => {
    await assert.rejects(validate(await mint(defect), '/v2.0', entra.API), why)
  })
}
for (const [defect, why] of Object.entries(byKeyIssuer)) {
  await check(`refused for any tenant: ${defect}`, async () => {
    await assert.rejects(validateMultiTenant(await mint(defect), entra.API), why)
  })
}
await check('an audience in an array is no defect to this library', async () => {
  await validate(await mint('aud_array'), '/v2.0', entra.API)
})
await check('no defect of the emulator is left out', async () => {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${entra.EMULATOR}/__emulator/tokens`, { method: 'POST', headers, body: '{"defect":"no such"}' })
  const [, list] = (await answer.json()).error.split('expected one of')
  const known = [...list.matchAll(/`(\w+)`/g)].map(([, name]) => name)
  const tried = new Set([...Object.keys(byTenant), ...Object.keys(byKeyIssuer), 'aud_array'])
  assert.deepEqual(known.filter(name => !tried.has(name)), [])
})
