// Two gateways, nginx, Redis, an emulated Entra and a small MCP server; started by run.sh.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { callback, client, redemption, token } from '../clients/lib/plain_client.mjs'
import { freePort, start, until } from '../clients/lib/processes.mjs'
import { readIfThere } from '../clients/lib/stage.mjs'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const ENV = { PATH: process.env.PATH, LANG: 'C.UTF-8' }
const PATIENCE_MS = 20_000
/** A revocation is seen by every replica within this (the time for which a sign-in is known to be alive). */
const REVOKED_MS = 5_000

const answers = async url => (await fetch(url, { redirect: 'manual' }).catch(() => undefined))?.ok

async function redis(state) {
  const port = await freePort()
  const logFile = `${state}/redis.log`
  const args = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--dir', state, '--maxmemory-policy', 'noeviction', '--requirepass', 'p4ss']
  const child = start('redis-server', args.map(String), { env: ENV, logFile })
  await until(() => /Ready to accept/.test(readIfThere(logFile)), { child, logFile, milliseconds: PATIENCE_MS, what: 'redis' })
  return `redis://:p4ss@127.0.0.1:${port}/0`
}

async function emulator(state) {
  const logFile = `${state}/emulator.log`
  const child = start(process.env.ENTRAGATE_BIN, ['emulate', '--port', '0'], { env: ENV, logFile })
  return until(() => /^Entra emulator on (http:\S+)$/m.exec(readIfThere(logFile))?.[1], { child, logFile, milliseconds: PATIENCE_MS, what: 'the emulator' })
}

/** Answers each request with who the gateway says is calling. */
async function mcpServer() {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result: { user: request.headers['x-forwarded-preferred-username'] } }))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `http://127.0.0.1:${server.address().port}/mcp`
}

async function replica(state, name, common) {
  const [port, admin] = [await freePort(), await freePort()]
  const logFile = `${state}/${name}.log`
  const env = { ...ENV, ...common, ENTRAGATE_LISTEN: `127.0.0.1:${port}`, ENTRAGATE_ADMIN_LISTEN: `127.0.0.1:${admin}` }
  const child = start(process.env.ENTRAGATE_BIN, ['serve'], { env, logFile })
  await until(() => answers(`http://127.0.0.1:${admin}/readyz`), { child, logFile, milliseconds: PATIENCE_MS, what: name })
  return { child, logFile, url: `http://127.0.0.1:${port}`, admin: `http://127.0.0.1:${admin}` }
}

async function nginx(state, port, replicas) {
  const logFile = `${state}/nginx.log`
  const servers = replicas.map(({ url }) => `server ${new URL(url).host};`).join(' ')
  // $upstream_addr in the log says who answered, which is how the round-robin is known to be one.
  writeFileSync(`${state}/nginx.conf`, `daemon off; pid ${state}/nginx.pid; error_log ${state}/nginx-error.log;
    worker_processes 1; events {}
    http {
      log_format who '$upstream_addr $request_method $uri $status'; access_log ${state}/access.log who;
      client_body_temp_path ${state}/body; proxy_temp_path ${state}/proxy;
      fastcgi_temp_path ${state}/f; uwsgi_temp_path ${state}/u; scgi_temp_path ${state}/s;
      upstream gateways { ${servers} }
      server { listen 127.0.0.1:${port}; location / {
        proxy_pass http://gateways; proxy_http_version 1.1; proxy_set_header Host $http_host; proxy_buffering off; } }
    }`)
  const child = start('nginx', ['-e', `${state}/nginx-error.log`, '-c', `${state}/nginx.conf`], { env: ENV, logFile })
  const url = `http://localhost:${port}`
  await until(() => answers(`${url}/.well-known/oauth-authorization-server`), { child, logFile, milliseconds: PATIENCE_MS, what: 'nginx' })
  return url
}

async function signIn(world) {
  const it = await client(world)
  const { status, body } = await token(it, redemption(it, (await callback(it)).get('code')))
  if (status !== 200) throw new Error(`sign-in: ${status} ${JSON.stringify(body)}`)
  return { ...it, ...body }
}

const refresh = it => token(it, { grant_type: 'refresh_token', client_id: it.client_id, refresh_token: it.refresh_token })

async function call(base, access) {
  const headers = { authorization: `Bearer ${access}`, 'content-type': 'application/json', accept: 'application/json' }
  const answer = await fetch(`${base}/mcp`, { method: 'POST', headers, body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}' })
  return answer.status
}

const CHECKS = {
  'ten sign-ins, each spread over both': async world => {
    for (let n = 0; n < 10; n++) {
      const it = await signIn(world)
      for (const { url } of world.replicas) if (await call(url, it.access_token) !== 200) return `a call at ${url} was refused`
    }
    const log = readIfThere(`${world.state}/access.log`)
    const idle = world.replicas.find(({ url }) => !log.includes(`${new URL(url).host} GET /auth/callback`))
    return idle && `${idle.url} never saw anybody come back from Entra`
  },
  'a used refresh token gets the same successor at the other': async world => {
    const it = await signIn(world)
    const [first, second] = [await refresh(it), await refresh(it)]
    if (first.status !== 200 || second.status !== 200) return `${first.status} ${second.status}`
    return first.body.refresh_token === second.body.refresh_token ? undefined : 'there were two successors'
  },
  'twenty refreshes at once have one winner': async world => {
    const it = await signIn(world)
    const all = await Promise.all(Array.from({ length: 20 }, () => refresh(it)))
    const tokens = new Set(all.map(({ status, body }) => status === 200 ? body.refresh_token : `${status} ${body.error}`))
    return tokens.size === 1 ? undefined : [...tokens].map(text => text.slice(0, 24)).join(', ')
  },
  'twenty redemptions of a code have one winner': async world => {
    const it = await client(world)
    const form = redemption(it, (await callback(it)).get('code'))
    const all = await Promise.all(Array.from({ length: 20 }, () => token(it, form)))
    const won = all.filter(({ status }) => status === 200).length
    return won === 1 ? undefined : `${won} redemptions won`
  },
  'what is revoked at one is refused by both': async world => {
    const it = await signIn(world)
    for (const { url } of world.replicas) await call(url, it.access_token)
    const form = new URLSearchParams({ token: it.refresh_token, client_id: it.client_id })
    const revoked = await fetch(`${world.replicas[0].url}/oauth/revoke`, { method: 'POST', body: form })
    if (revoked.status !== 200) return `revocation: ${revoked.status}`
    await sleep(REVOKED_MS + 500)
    for (const { url } of world.replicas) {
      const status = await call(url, it.access_token)
      if (status !== 401) return `a call at ${url}: ${status}`
    }
    const { status, body } = await refresh(it)
    return status === 400 && body.error === 'invalid_grant' ? undefined : `refresh: ${status} ${JSON.stringify(body)}`
  },
  'one may go, and who signed in there stays signed in': async world => {
    const it = await signIn(world)
    const [gone, left] = world.replicas
    gone.child.kill('SIGKILL')
    await once(gone.child, 'exit')
    if (await call(left.url, it.access_token) !== 200) return 'the other refused a call'
    const { status, body } = await refresh(it)
    return status === 200 ? undefined : `refresh: ${status} ${JSON.stringify(body)}`
  },
}

async function main() {
  mkdirSync(`${HERE}.state`, { recursive: true })
  const state = mkdtempSync(`${HERE}.state/run-`)
  const port = await freePort()
  const base_url = `http://localhost:${port}`
  const common = {
    AZURE_TENANT_ID: '11111111-1111-1111-1111-111111111111',
    AZURE_CLIENT_ID: 'a0000000-0000-4000-8000-000000000001',
    AZURE_CLIENT_SECRET: 'api-s3cret',
    AZURE_AUTHORITY_HOST: await emulator(state),
    BASE_URL: base_url,
    ENTRAGATE_UPSTREAM: await mcpServer(),
    ENTRAGATE_STATE_KEYS: 'replicas-share-this-key-0123456789abcdef',
    ENTRAGATE_STATE_REDIS_URL: await redis(state),
  }
  const replicas = [await replica(state, 'one', common), await replica(state, 'two', common)]
  await nginx(state, port, replicas)
  const world = { base_url, mcp_url: `${base_url}/mcp`, replicas, state }
  let [passed, failed] = [0, 0]
  for (const [name, check] of Object.entries(CHECKS)) {
    const why = await Promise.resolve(check(world)).catch(error => error.stack)
    why ? failed++ : passed++
    console.log(why ? `FAIL  ${name}: ${why}` : `ok    ${name}`)
  }
  if (failed === 0) rmSync(state, { recursive: true })
  else console.log(`logs: ${state}`)
  console.log(`\n${passed} passed, ${failed} failed`)
  return failed
}

const failed = await main().catch(error => {
  console.error(error)
  return 1
})
process.exit(failed ? 1 : 0)
