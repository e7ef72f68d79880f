// Through the gateway's own pages: consent, sign-in, failure, report, and the list of what is remembered.
import assert from 'node:assert/strict'
import { brokered, traceOf, useCode } from './broker.mjs'
import { STATE } from './entra.mjs'
import { back, heading, press, tabTo } from './keyboard.mjs'

const ALLOW = /^Allow and sign in$/
const REFUSE = /^Do not allow$/
const REMEMBER = /^Do not ask again for this application in this browser$/

/** Walks from `broker` to `callback`; each is `[name, async (page, context) => …]`. */
export function brokerWalks({ broker, clients, callback, take }) {
  const { pages: client } = clients
  const asked = 'Allow Pages to use Contoso tools?'
  const open = (page, changes) => page.goto(brokered(broker, client, callback, changes))
  const hit = async (page, name, key = 'Enter') => {
    await tabTo(page, name)
    await press(page, key)
  }
  /** What the application got: `iss` and `state` once each and as they are, and nothing that is not expected. */
  const arrived = async (page, ...expected) => {
    await back(page)
    const [got, ...more] = take()
    assert.deepEqual(more, [], 'the application is called once')
    assert.deepEqual(got.names, [...expected, 'state', 'iss'])
    assert.deepEqual([got.method, got.state, got.iss], ['GET', STATE, broker.base_url])
    return got
  }
  const elsewhere = async (context, work) => {
    const other = await context.browser().newContext({ javaScriptEnabled: false })
    try {
      return await work(await other.newPage())
    } finally {
      await other.close()
    }
  }
  return [
    ['allow', async page => {
      await open(page)
      await heading(page, asked)
      await hit(page, ALLOW)
      await heading(page, 'Sign in to Contoso')
      await hit(page, /^Alice Andersen/)
      const { code } = await arrived(page, 'code')
      await useCode(broker, client, callback, code)
    }],
    ['allow while signed in at Entra: one form, three redirects', async page => {
      await open(page)
      await hit(page, ALLOW, 'Space')
      await hit(page, /^Bob Berg/)
      await arrived(page, 'code')
      await open(page)
      await heading(page, asked)
      await hit(page, ALLOW)
      await arrived(page, 'code')
    }],
    ['allow an application with a scheme of its own', async page => {
      await open(page)
      await hit(page, ALLOW)
      await hit(page, /^Bob Berg/)
      await arrived(page, 'code')
      await page.goto(brokered(broker, clients.scheme, clients.schemeCallback))
      const blocked = []
      page.on('console', message => blocked.push(message.text()))
      const sent = page.waitForResponse(response => response.url().startsWith(`${broker.base_url}/auth/callback`))
      await tabTo(page, ALLOW)
      await page.keyboard.press('Enter')
      const { location } = (await sent).headers()
      assert.ok(location.startsWith(`${clients.schemeCallback}?code=`), location)
      assert.deepEqual(blocked.filter(text => /Content Security Policy/.test(text)), [])
    }],
    ['do not allow', async page => {
      await open(page)
      await hit(page, REFUSE)
      const got = await arrived(page, 'error', 'error_description')
      assert.equal(got.error, 'access_denied')
    }],
    ['remembered, and removed', async page => {
      await open(page)
      await tabTo(page, REMEMBER)
      await page.keyboard.press('Space')
      assert.ok(await page.getByRole('checkbox').isChecked())
      await hit(page, ALLOW)
      await hit(page, /^Alice Andersen/)
      await arrived(page, 'code')
      // Opened from nowhere, the request goes through; from a page of somebody else's it does not.
      await open(page)
      await arrived(page, 'code')
      await page.evaluate(url => {
        const link = Object.assign(document.createElement('a'), { href: url, textContent: 'Connect' })
        document.body.replaceChildren(link)
      }, brokered(broker, client, callback))
      await hit(page, /^Connect$/)
      await heading(page, asked)
      await hit(page, /^What this browser remembers$/)
      await heading(page, 'Applications that this browser remembers')
      assert.equal(await page.getByRole('heading', { level: 2 }).innerText(), 'Pages')
      await hit(page, /^Remove Pages$/)
      await heading(page, 'Applications that this browser remembers')
      assert.match(await page.getByRole('main').innerText(), /None\. Each application/)
      await open(page)
      await heading(page, asked)
      assert.deepEqual(take(), [])
    }],
    ['remembered, and all removed', async page => {
      await open(page)
      await tabTo(page, REMEMBER)
      await page.keyboard.press('Space')
      await hit(page, ALLOW)
      await hit(page, /^Alice Andersen/)
      await arrived(page, 'code')
      await page.goto(`${broker.base_url}/auth/grants`)
      await hit(page, /^Remove all$/)
      assert.match(await page.getByRole('main').innerText(), /None\. Each application/)
    }],
    ['remembered for one person, asked of another', async page => {
      await open(page)
      await tabTo(page, REMEMBER)
      await page.keyboard.press('Space')
      await hit(page, ALLOW)
      await hit(page, /^Alice Andersen/)
      await arrived(page, 'code')
      await open(page, { prompt: 'select_account' })
      await hit(page, /^Bob Berg/)
      await heading(page, asked)
      assert.match(await page.getByRole('main').innerText(), /was given by somebody else/)
      await hit(page, ALLOW)
      // The application's wish for a choice of account still holds.
      await hit(page, /^Bob Berg/)
      await arrived(page, 'code')
    }],
    ['a sign-in that fails: back to the application', async page => {
      await open(page)
      await hit(page, ALLOW)
      await hit(page, /^Carol Castro/)
      await heading(page, 'The sign-in did not work')
      assert.match(await page.getByRole('main').innerText(), /none of the app roles that this server asks for: Admin, User/)
      const trace = await traceOf(page)
      await hit(page, /^Return to Pages$/)
      const got = await arrived(page, 'error', 'error_description')
      assert.equal(got.error, 'access_denied')
      assert.ok(got.error_description.endsWith(`(sign-in ${trace})`), got.error_description)
    }],
    ['a sign-in that fails: its report, for this browser only', async (page, context) => {
      await open(page)
      await hit(page, ALLOW)
      await hit(page, /^Carol Castro/)
      const trace = await traceOf(page)
      await hit(page, /^stay and look at the report of this sign-in$/)
      await heading(page, `Sign-in ${trace}`)
      assert.match(await page.getByRole('main').innerText(), /It ended here: You are signed in, but you have none/)
      await elsewhere(context, async other => {
        assert.equal((await other.goto(page.url())).status(), 404)
        assert.match(await other.getByRole('main').innerText(), /There is no such sign-in for this browser/)
      })
      assert.deepEqual(take(), [])
    }],
    ['a form counts where it was shown', async (page, context) => {
      await open(page)
      const request = await page.locator('[name=request]').inputValue()
      const answer = async (other, said) => {
        await other.evaluate(({ action, request }) => {
          const form = Object.assign(document.createElement('form'), { method: 'post', action })
          form.append(Object.assign(document.createElement('input'), { type: 'hidden', name: 'request', value: request }))
          form.append(Object.assign(document.createElement('button'), { name: 'decision', value: 'approve', textContent: 'Send' }))
          document.body.replaceChildren(form)
        }, { action: `${broker.base_url}/oauth/consent`, request })
        const answered = other.waitForResponse(`${broker.base_url}/oauth/consent`)
        await hit(other, /^Send$/)
        assert.equal((await answered).status(), 403)
        await heading(other, 'This sign-in cannot go on')
        assert.match(await other.getByRole('main').innerText(), said)
      }
      await elsewhere(context, async other => {
        await other.goto(`${broker.base_url}/auth/grants`)
        await answer(other, /This consent page was opened in another browser, or its cookie is gone/)
      })
      // In the same browser, but from a page of somebody else's.
      await page.goto(new URL('/', callback).href)
      await answer(page, /This answer does not come from the page that asked/)
    }],
  ]
}
