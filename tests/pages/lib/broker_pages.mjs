// The pages of broker mode, as in pages.mjs.
import { brokered, traceOf, useCode } from './broker.mjs'
import { STATE } from './entra.mjs'

const LONG = 'w'.repeat(300)
const MARKUP = `"></code></main><img src=x onerror=window.hostile=1><script>window.hostile=1</script>`
const IDS = 'Trace ID: 2fb3e7f2-8a7e-4a9b-8c2e-0d6a0f1b2c00 Correlation ID: 5c6a8b0e-6f52-4c0f-9f0e-1d8b7a3e9d11 Timestamp: 2026-11-25 17:20:09Z'

export function brokerPages({ broker, clients, callback, take }) {
  const { base_url: base } = broker
  const at = (client, changes) => brokered(broker, client, callback, changes)
  const allow = page => page.getByRole('button', { name: 'Allow and sign in' }).click()
  const pick = async (page, name) => {
    const account = page.getByRole('button', { name })
    if (await account.count()) await account.click()
  }
  /** A page that goes on by itself stays. */
  const stay = page => page.route(url => url.href.startsWith(callback), route => route.fulfill({ status: 204 }))
  const signIn = async (page, client, name) => {
    if (page.url() !== at(client)) await page.goto(at(client))
    const trace = await traceOf(page)
    if (await page.getByRole('checkbox').count()) await page.getByRole('checkbox').check()
    await allow(page)
    await pick(page, name)
    return trace
  }
  /** Entra sends the browser back with this error. */
  const refused = parameters => async page => {
    await stay(page)
    await allow(page)
    await page.getByRole('heading', { name: 'Sign in to Contoso' }).waitFor()
    const state = new URL(page.url()).searchParams.get('state')
    await page.goto(`${base}/auth/callback?${new URLSearchParams({ ...parameters, state })}`)
  }
  const failed = 'The sign-in did not work'
  return [
    { name: 'broker: consent', url: at(clients.pages), h1: 'Allow Pages to use Contoso tools?' },
    { name: 'broker: consent, hosted', url: brokered(broker, clients.hosted, clients.hostedCallback), h1: 'Allow Claude to use' },
    { name: 'broker: consent, own scheme', url: brokered(broker, clients.scheme, clients.schemeCallback), h1: 'Allow Cursor to use' },
    { name: 'broker: consent, hostile name', url: at(clients.hostile), h1: 'Allow edualC <img src=x onerror=window.hostile=1>www' },
    { name: 'broker: consent, hostile scope', url: at(clients.pages, { scope: `"><script>window.hostile=1<script> ${LONG}` }), h1: 'Allow Pages' },
    { name: 'broker: consent, lookalike', url: at(clients.lookalike), h1: 'Allow Сlaude to use' },
    {
      name: 'broker: consent, other person', url: at(clients.pages), h1: 'Allow Pages',
      prepare: async page => {
        await signIn(page, clients.pages, 'Alice')
        await page.waitForURL(url => url.href.startsWith(callback))
        await page.goto(at(clients.pages, { prompt: 'select_account' }))
        await pick(page, 'Bob')
        await page.getByRole('heading', { name: 'Allow Pages' }).waitFor()
      },
    },
    {
      name: 'broker: failure', url: at(clients.pages), h1: failed,
      prepare: async page => {
        await stay(page)
        await signIn(page, clients.pages, 'Carol')
      },
    },
    {
      name: 'broker: failure, hostile name', url: at(clients.hostile), h1: failed,
      prepare: async page => {
        await stay(page)
        await signIn(page, clients.hostile, 'Carol')
      },
    },
    {
      name: 'broker: failure at Entra', url: at(clients.pages), h1: failed,
      prepare: refused({
        error: 'access_denied',
        error_description: `AADSTS53003: Access has been blocked by Conditional Access policies. The access policy does not allow token issuance. ${IDS}`,
      }),
    },
    {
      name: 'broker: failure at Entra, hostile', url: at(clients.pages), h1: failed,
      prepare: refused({ error: 'server_error', error_description: `AADSTS90099: ${MARKUP}${LONG}. ${IDS}` }),
    },
    { name: 'broker: grants, none', url: `${base}/auth/grants`, h1: 'Applications that this browser remembers' },
    {
      name: 'broker: grants, two', url: at(clients.pages), h1: 'Applications that this browser remembers',
      prepare: async page => {
        for (const client of [clients.pages, clients.hostile]) {
          await signIn(page, client, 'Alice')
          await page.waitForURL(url => url.href.startsWith(callback))
        }
        await page.goto(`${base}/auth/grants`)
        if (await page.getByRole('listitem').count() !== 2) throw new Error('the list has not two entries')
      },
    },
    {
      name: 'broker: report, good', url: at(clients.pages), h1: 'Sign-in ',
      prepare: async page => {
        const trace = await signIn(page, clients.pages, 'Alice')
        await page.waitForURL(url => url.href.startsWith(callback))
        await useCode(broker, clients.pages, callback, new URL(page.url()).searchParams.get('code'))
        await page.goto(`${base}/auth/trace/${trace}`)
        await page.getByText('Everything worked').waitFor()
      },
    },
    {
      name: 'broker: report, failed', url: at(clients.hostile), h1: 'Sign-in ',
      prepare: async page => {
        await stay(page)
        await signIn(page, clients.hostile, 'Carol')
        await page.getByRole('link', { name: 'stay and look' }).click()
        await page.getByText('It ended here').waitFor()
      },
    },
    {
      name: 'broker: consent, nonsense', url: `${base}/auth/grants`, h1: 'This sign-in cannot go on',
      prepare: async page => {
        await page.evaluate(() => {
          const form = Object.assign(document.createElement('form'), { method: 'post', action: '/oauth/consent' })
          form.append(Object.assign(document.createElement('button'), { name: 'request', value: 'nonsense', textContent: 'Send' }))
          document.body.replaceChildren(form)
        })
        await page.getByRole('button').click()
      },
    },
    { name: 'broker: callback without state', url: `${base}/auth/callback`, h1: 'This sign-in cannot go on' },
    { name: 'broker: callback with nonsense', url: `${base}/auth/callback?${new URLSearchParams({ code: MARKUP, state: LONG })}`, h1: 'This sign-in cannot go on' },
    { name: 'broker: no report', url: `${base}/auth/trace/${LONG}`, h1: 'This sign-in cannot go on' },
    { name: 'broker: unknown client', url: at(MARKUP + LONG), h1: 'This sign-in request cannot be used' },
    { name: 'broker: redirect URI', url: at(clients.pages, { redirect_uri: `https://evil.test/${LONG}` }), h1: 'This sign-in request cannot be used' },
  ]
}
