// The scripted browser against a sign-in page with everything that a page can have.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { test } from 'node:test'
import { visit } from './browser.mjs'

const PAGE = `<!doctype html><title>Sign in</title>
<form action="/search"><input name=q></form>
<form method="POST" action="/login?a=1&amp;b=2">
  <input type="hidden" name="__emulator_user" value="alice">
  <input type="hidden" name="state" value="&quot;x&quot;&#43;&#x3D;">
  <button name="__emulator_user" value="alice">Alice</button>
  <button type=submit name='__emulator_user' value=bob>Bob</button>
</form>`

async function site(handle) {
  const posted = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    posted.push({ url: request.url, body, cookie: request.headers.cookie })
    handle(request, response)
  }).listen(0, 'localhost')
  await once(server, 'listening')
  return { server, posted, origin: `http://localhost:${server.address().port}` }
}

test('presses the button of the user, with cookies and hidden fields, up to the callback', async t => {
  const entra = await site((request, response) => {
    if (request.method === 'GET') return response.setHeader('set-cookie', 'session=1; HttpOnly').end(PAGE)
    response.writeHead(302, { location: `${client.origin}/callback?code=c` }).end()
  })
  const client = await site((request, response) => response.end('done'))
  t.after(() => { entra.server.close(); client.server.close() })

  const start = `${entra.origin}/authorize?${new URLSearchParams({ redirect_uri: `${client.origin}/callback` })}`
  await visit(start, 'bob')

  const login = entra.posted[1]
  assert.equal(login.url, '/login?a=1&b=2')
  assert.deepEqual([...new URLSearchParams(login.body)], [['__emulator_user', 'alice'], ['state', '"x"+='], ['__emulator_user', 'bob']])
  assert.equal(login.cookie, 'session=1')
  assert.equal(client.posted[0].url, '/callback?code=c')
  await assert.rejects(visit(start, 'nobody'), /nothing to press for nobody/)
})

test('from a page with nothing to press it goes back to the client, and keeps what the page says', async t => {
  const gateway = await site((request, response) => {
    const back = request.url.startsWith('/elsewhere') ? 'https://elsewhere.test/callback?error=e' : `${client.origin}/callback?error=access_denied&amp;iss=x`
    response.writeHead(400).end(`<title>No</title><style>p { }</style><p>You have no role: <b>Admin &amp; User</b></p><a href="/report">Report</a> <a class="button" href="${back}">Return</a>`)
  })
  // Codex answers an error with an error.
  const client = await site((request, response) => response.writeHead(request.url.includes('error=') ? 400 : 500).end('no'))
  t.after(() => { gateway.server.close(); client.server.close() })

  const start = path => `${gateway.origin}${path}?${new URLSearchParams({ redirect_uri: `${client.origin}/callback` })}`
  const noted = []
  await visit(start('/authorize'), 'bob', entry => noted.push(entry))
  assert.deepEqual(noted[1], { pressed: 'Return', read: 'No You have no role: Admin & User Report Return' })
  assert.deepEqual([noted[2].status, noted[2].isCallback], [400, true])
  assert.equal(client.posted[0].url, '/callback?error=access_denied&iss=x')
  await assert.rejects(visit(start('/elsewhere'), 'bob'), /nothing to press for bob/)
  await assert.rejects(visit(`${client.origin}/callback?${new URLSearchParams({ redirect_uri: `${client.origin}/callback` })}`, 'bob'), /callback answered 500/)
})
