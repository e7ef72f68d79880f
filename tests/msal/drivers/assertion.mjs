// The gateway's assertion as an MCP server verifies it with jose: issuer, audience, ES256, the published keys.
import { createServer } from 'node:http'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as entra from '../lib/entra.mjs'
import { assert, check } from '../lib/checks.mjs'

const audience = 'https://tools.internal.contoso.com'

async function listening(server) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server.address().port
}

let seen
const server = createServer((request, response) => {
  seen = request.headers
  request.resume().once('end', () => {
    response.setHeader('content-type', 'application/json').end('{"jsonrpc":"2.0","id":1,"result":{}}')
  })
})
const upstream = await listening(server)
const reserved = createServer()
const port = await listening(reserved)
reserved.close()
await once(reserved, 'close')
const issuer = `http://localhost:${port}`

const { PATH, HOME, SSL_CERT_FILE, ENTRAGATE_BIN } = process.env
const gateway = spawn(ENTRAGATE_BIN, ['serve'], {
  stdio: ['ignore', 'ignore', 'pipe'],
  env: {
    PATH, HOME, SSL_CERT_FILE,
    AZURE_AUTHORITY_HOST: entra.EMULATOR, AZURE_TENANT_ID: entra.TENANT, AZURE_CLIENT_ID: entra.API,
    AZURE_MCP_CLIENT_ID: entra.DESKTOP, BASE_URL: issuer, ENTRAGATE_LISTEN: `127.0.0.1:${port}`,
    ENTRAGATE_UPSTREAM: `http://127.0.0.1:${upstream}/mcp`, ENTRAGATE_UPSTREAM_IDENTITY: 'assertion',
    ENTRAGATE_UPSTREAM_AUDIENCE: audience,
  },
})
let said = ''
gateway.stderr.on('data', data => { said += data })

async function call(token) {
  for (let attempt = 0; ; attempt++) {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
    const answer = await fetch(`${issuer}/mcp`, { method: 'POST', headers, body: '{"jsonrpc":"2.0","id":1,"method":"ping"}' })
      .catch(error => { if (attempt > 200 || gateway.exitCode !== null) throw new Error(`${error} ${said}`) })
    if (answer) return void assert.equal(answer.status, 200, said)
    await sleep(50)
  }
}

const token = await entra.mint({})
await call(token)
const assertion = seen.authorization.replace('Bearer ', '')
const keys = createRemoteJWKSet(new URL(`${issuer}/oauth/jwks`))
const options = { algorithms: ['ES256'], issuer, audience, typ: 'JWT', requiredClaims: ['exp', 'iat', 'nbf', 'sub', 'jti', 'tid', 'azp'] }

await check('a server reads who calls', async () => {
  const { payload } = await jwtVerify(assertion, keys, options)
  assert.equal(payload.tid, entra.TENANT)
  assert.ok(payload.exp - payload.iat <= 300)
})
await check('another audience is refused', () =>
  assert.rejects(jwtVerify(assertion, keys, { ...options, audience: 'https://elsewhere.test' }), { code: 'ERR_JWT_CLAIM_VALIDATION_FAILED' }))
await check('Entra\'s own token does not pass for one', () =>
  assert.rejects(jwtVerify(token, keys, options), { code: 'ERR_JOSE_ALG_NOT_ALLOWED' }))
await check('nothing else tells who calls', () => assert.equal(seen['x-forwarded-user'], undefined))

gateway.kill()
server.close()
server.closeAllConnections()
