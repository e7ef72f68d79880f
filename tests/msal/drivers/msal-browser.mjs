// @azure/msal-browser in Chromium: a single-page app on a port of its own, served from here.
import { chromium } from 'playwright-core'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import * as entra from '../lib/entra.mjs'
import { assert, check } from '../lib/checks.mjs'

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync']
const read = name => readFileSync(new URL(name, import.meta.url))
const library = name => ['text/javascript', read(`../node_modules/@azure/msal-browser/lib/${name}`)]
const page = name => ['text/html; charset=utf-8', read(`../browser/${name}`)]
const files = {
  '/': page('app.html'),
  '/msal-browser.js': library('msal-browser.min.js'),
  '/msal-redirect-bridge.js': library('redirect-bridge/msal-redirect-bridge.min.js'),
  // The redirect URIs that the emulator's apps have: on platform Single-page application, and on Mobile and desktop.
  '/oauth/callback': page('redirect.html'),
  '/callback': page('redirect.html'),
}
const server = createServer((request, response) => {
  const [type, body] = files[new URL(request.url, 'http://localhost').pathname] ?? ['text/plain', '']
  response.setHeader('content-type', type)
  response.end(body)
}).listen(0, '127.0.0.1')
await once(server, 'listening')
const origin = `http://localhost:${server.address().port}`

const launch = { executablePath: process.env.CHROMIUM, args: FLAGS }
const browser = await chromium.launch(launch)
const profile = mkdtempSync(`${tmpdir()}/entragate-msal-browser-`)
mkdirSync(`${profile}/Default`)
writeFileSync(`${profile}/Default/Preferences`, JSON.stringify({ profile: { cookie_controls_mode: 0, block_third_party_cookies: false } }))

// Trusting the authority is a matter of the desktop's certificate store, which a test must not change.
const trusting = { ignoreHTTPSErrors: true }
/** A private window, which blocks the cookies of frames of other sites; and one whose user allows them. */
const privately = () => browser.newContext(trusting)
const allowing = () => chromium.launchPersistentContext(profile, { ...launch, ...trusting })

/** The app in a browser of its own; `clientId` and `path` of its redirect URI make it one platform or another. */
async function app(clientId, path, work, open = privately) {
  const context = await open()
  context.setDefaultTimeout(20_000)
  try {
    const tab = await context.newPage()
    const config = { clientId, authority: entra.AUTHORITY, host: entra.HOST, path, scope: entra.ACCESS }
    await context.addInitScript(config => { window.config = config }, config)
    await tab.goto(`${origin}/`)
    await tab.waitForFunction('window.ready')
    return await work(tab)
  } finally {
    await context.close()
  }
}

/** Clicks through the emulator's sign-in page; what the app found when it was back. */
async function signIn(tab, user) {
  await tab.evaluate('void login()')
  await tab.click(`button[name=__emulator_user][value=${user}]`)
  await tab.waitForURL(`${origin}/`)
  await tab.waitForFunction('window.ready')
  return tab.evaluate('outcome')
}

await check('a single-page app signs in by redirect, with PKCE', () => app(entra.SPA, '/oauth/callback', async tab => {
  const { token, username, error } = await signIn(tab, 'alice')
  assert.equal(error, undefined)
  const claims = entra.claims(token)
  assert.deepEqual([claims.aud, claims.azp, claims.scp, claims.azpacr], [entra.API, entra.SPA, 'access', '0'])
  assert.equal(username, 'alice@contoso.test')
  const last = (await entra.control('GET', '/requests')).filter(({ path }) => path.endsWith('/token')).at(-1)
  assert.equal(Object.fromEntries(last.headers).origin, origin, '9002327: the browser says where it is from')
}))
await check('a single-page app refreshes silently', () => app(entra.SPA, '/oauth/callback', async tab => {
  const { token } = await signIn(tab, 'alice')
  const again = await tab.evaluate('silent({ forceRefresh: true })')
  assert.equal(again.error, undefined)
  assert.notEqual(again.token, token)
  assert.equal(entra.claims(again.token).oid, entra.claims(token).oid)
}))
await check('a session signs in through a hidden frame', () => app(entra.SPA, '/oauth/callback', async tab => {
  await signIn(tab, 'bob')
  const again = await tab.evaluate('sso()')
  assert.equal(again.error, undefined)
  assert.equal(again.username, 'bob@contoso.test')
}, allowing))
await check('50058: where the browser keeps the cookies of frames back', () => app(entra.SPA, '/oauth/callback', async tab => {
  await signIn(tab, 'bob')
  assert.match((await tab.evaluate('sso()')).error, /login_required: AADSTS50058/)
}))
await check('9002326: a redirect URI of another platform is not for browsers', () => app(entra.CLI, '/callback', async tab => {
  const { token, error } = await signIn(tab, 'alice')
  assert.equal(token, undefined)
  assert.match(error, /AADSTS9002326|9002326/)
  assert.ok(error.includes(origin), error)
}))
await check('a person who declines comes back with 65004', () => app('c0000000-0000-4000-8000-000000000002', '/callback', async tab => {
  await tab.evaluate('void login()')
  await tab.click('button[name=__emulator_user][value=bob]')
  await tab.click('[name=__emulator_consent][value=decline]')
  await tab.waitForURL(`${origin}/`)
  await tab.waitForFunction('window.ready')
  assert.match((await tab.evaluate('outcome')).error, /AADSTS65004/)
}))

await browser.close()
server.close()
rmSync(profile, { recursive: true, force: true })
