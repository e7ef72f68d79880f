// Every page in Chromium: its structure, its looks in four settings, its focus, and the walks by keyboard.
import { chromium } from 'playwright-core'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { appearance, focus, structure } from './lib/audit.mjs'
import { brokered, register } from './lib/broker.mjs'
import { brokerPages } from './lib/broker_pages.mjs'
import { brokerWalks } from './lib/broker_walks.mjs'
import { STATE, authorize, settings } from './lib/entra.mjs'
import { framed, headers } from './lib/headers.mjs'
import { pages } from './lib/pages.mjs'
import { callback, demo, emulator, stopAll } from './lib/processes.mjs'
import { walks } from './lib/walks.mjs'

const SETTINGS = ['light', 'dark'].flatMap(scheme => [320, 1280].map(width => ({ scheme, width })))
const WORKERS = 3
const PATIENCE_MS = 10_000
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync']

const folder = mkdtempSync(`${tmpdir()}/entragate-pages-`)
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
let passed = 0
let failed = 0

/** Counts one check; `work` returns what is wrong, or throws. */
async function check(name, work) {
  const wrong = await Promise.resolve().then(work).catch(error => [error.message])
  wrong?.length ? failed++ : passed++
  console.log(wrong?.length ? `FAIL ${name}: ${wrong.join('\n     ')}` : `ok   ${name}`)
}

async function inBrowser(browser, options, work) {
  const context = await browser.newContext(options)
  context.setDefaultTimeout(PATIENCE_MS)
  try {
    return await work(await context.newPage(), context)
  } finally {
    await context.close()
  }
}

/** One page: structure once, then looks and focus; $SCREENSHOTS names a folder for pictures. */
async function audit(browser, gateways, { name, url, prepare, h1 }) {
  await inBrowser(browser, { viewport: { width: 320, height: 800 } }, async (page, context) => {
    // A page that sends itself away could not be looked at.
    await context.addInitScript(() => { HTMLFormElement.prototype.submit = () => {} })
    const strangers = []
    let shown
    page.on('request', request => {
      const { protocol, origin } = new URL(request.url())
      const loaded = !request.isNavigationRequest() && protocol !== 'data:'
      if (loaded && origin !== new URL(page.url()).origin) strangers.push(`it asks ${origin}`)
    })
    page.on('response', response => {
      if (response.request().isNavigationRequest() && response.status() !== 204) shown = response
    })
    page.on('console', message => {
      if (/Content Security Policy/.test(message.text())) strangers.push(message.text())
    })
    await check(`${name}: structure`, async () => {
      await page.goto(url)
      await prepare?.(page)
      return [...await structure(page, h1), ...strangers]
    })
    if (gateways.includes(new URL(page.url()).origin)) await check(`${name}: headers`, () => headers(shown))
    for (const setting of SETTINGS) {
      const label = `${name}: ${setting.scheme}, ${setting.width} px`
      await check(label, () => appearance(page, setting))
      if (process.env.SCREENSHOTS) {
        const file = `${label.replace(/\W+/g, '-')}.png`
        await page.screenshot({ path: `${process.env.SCREENSHOTS}/${file}`, fullPage: true })
      }
    }
    await check(`${name}: focus`, () => focus(page))
  })
}

/** An audit that lets everything pass proves nothing: this page has one of each fault. */
async function auditTheAudit(browser) {
  await inBrowser(browser, {}, async page => {
    await page.setContent(`<style>button { outline: none; border: 1px solid #eee; background: none }</style><h1>One</h1><h1>Two</h1>
      <p style="color: #aaa">faint</p><p style="width: 400px">wide</p><img src="data:," onerror="window.hostile=1">
      <input><button tabindex="2">second</button><button tabindex="1">first</button>`)
    const found = [
      ...await structure(page, 'Another'),
      ...await appearance(page, { scheme: 'dark', width: 320 }),
      ...await focus(page),
      ...headers({ headers: () => ({ 'content-security-policy': "default-src 'self'; script-src 'self'" }) }),
    ].join('\n')
    const faults = ['no title', 'lang is missing', '2 h1', 'not Another', 'in no template', 'was run', 'stylesheet', 'sideways',
      'too wide', 'visible edge', 'not dark', 'axe: color-contrast', 'axe: label', 'no focus ring', 'Tab goes',
      'cache-control', 'x-frame-options', 'CSP: default-src', 'CSP: frame-ancestors', 'CSP: style-src', 'CSP: there is script', 'CSP: forms', 'referrer-policy']
    await check('the audit finds faults', () => faults.filter(fault => !found.includes(fault)).map(fault => `not found: ${fault}`))
  })
}

async function run() {
  const app = await callback()
  const [plain, asking, hostile, gateway, broker] = await Promise.all([
    emulator(), emulator(), emulator('--directory', new URL('hostile.toml', import.meta.url).pathname),
    demo(folder, 'relay'), demo(folder, 'broker', '--config', new URL('broker.toml', import.meta.url).pathname)])
  await settings(asking, { headless: false })
  const hostedCallback = 'https://claude.ai/api/mcp/auth_callback'
  const schemeCallback = 'cursor://anysphere.cursor-mcp/oauth/callback'
  const clients = {
    hostedCallback, schemeCallback,
    pages: await register(broker, 'Pages', app.url),
    hosted: await register(broker, 'Claude', hostedCallback),
    scheme: await register(broker, 'Cursor', schemeCallback),
    hostile: await register(broker, `\u202eedualC\u202c <img src=x onerror=window.hostile=1>${'w'.repeat(500)}`, app.url),
    lookalike: await register(broker, '\u0421laude', app.url),
  }
  const world = { emulator: plain, asking, hostile, gateway, broker, clients, callback: app.url, take: app.take }
  if (process.env.SCREENSHOTS) mkdirSync(process.env.SCREENSHOTS, { recursive: true })

  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS })
  await auditTheAudit(browser)
  // First the walks: the audit of the pages leaves consents and sessions behind.
  for (const [name, walk] of [...walks(world), ...brokerWalks(world)]) {
    const options = { javaScriptEnabled: false, viewport: { width: 320, height: 800 } }
    await check(`by keyboard: ${name}`, () => inBrowser(browser, options, walk))
    app.take()
  }
  await check('with JavaScript: form_post sends itself', () => inBrowser(browser, {}, async page => {
    await page.goto(authorize(plain, app.url, { login_hint: 'alice@contoso.test', response_mode: 'form_post' }))
    await page.waitForURL(app.url)
    const [got] = app.take()
    return got.method === 'POST' && got.code && got.state === STATE ? [] : [JSON.stringify(got)]
  }))
  const unframed = { consent: brokered(broker, clients.pages, app.url), grants: `${broker.base_url}/auth/grants` }
  for (const [name, url] of Object.entries(unframed)) {
    await check(`broker: ${name}: not in a frame`, () => inBrowser(browser, {}, page => framed(page, new URL('/', app.url).href, url)))
  }
  const gateways = [gateway, broker].map(({ base_url }) => new URL(base_url).origin)
  const rest = [...await pages(world), ...brokerPages(world)]
  const worker = async () => {
    for (let page = rest.shift(); page; page = rest.shift()) await audit(browser, gateways, page)
  }
  await Promise.all(Array.from({ length: WORKERS }, worker))
  await browser.close()
}

try {
  await run()
} catch (error) {
  console.error(error)
  failed++
}
stopAll()
console.log(`\n${passed} passed, ${failed} failed`)
process.exit(failed ? 1 : 0)
