// An observer that passes more than it notes, or notes what did not happen, would prove nothing.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { test } from 'node:test'

test('requests to this machine are passed and noted; others are noted and go nowhere', async () => {
  const folder = mkdtempSync(`${tmpdir()}/observer-`)
  process.env.EVIDENCE = folder
  const { observe } = await import('./observer.mjs')
  await observe()
  const { hostname, port } = new URL(process.env.HTTP_PROXY)
  const server = createServer((asked, answer) => asked.url === '/never' ? asked.socket.destroy() : answer.writeHead(201).end(asked.url)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const here = `http://127.0.0.1:${server.address().port}`
  const ask = async (method, path) => {
    const asked = request({ hostname, port, method, path, headers: { connection: 'close' } }).end()
    const [answer] = await Promise.race([once(asked, 'response'), once(asked, 'connect')]).catch(() => [{ statusCode: 0 }])
    return answer.statusCode
  }

  assert.equal(await ask('POST', `${here}/register?a=b`), 201)
  assert.equal(await ask('GET', `${here}/never`), 0)
  assert.equal(await ask('GET', 'http://elsewhere.test/'), 403)
  assert.equal(await ask('CONNECT', 'elsewhere.test:443'), 403)
  const noted = readFileSync(`${folder}/requests.jsonl`, 'utf8').trim().split('\n').map(line => JSON.parse(line))
  assert.deepEqual(noted, [
    { method: 'POST', origin: here, path: '/register', status: 201 },
    { method: 'GET', origin: here, path: '/never', status: 0 },
    { method: 'GET', origin: 'http://elsewhere.test', path: '/', status: 403 },
    { method: 'CONNECT', origin: 'https://elsewhere.test:443', path: '', status: 403 },
  ])
  server.close()
  rmSync(folder, { recursive: true })
})
