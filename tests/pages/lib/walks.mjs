// Through the pages as a person does who has a keyboard and no JavaScript, up to the application.
import assert from 'node:assert/strict'
import { API, CHALLENGE, CLI, CLI2, STATE, authorize, deviceCode, devicePage, query, redeem } from './entra.mjs'
import { back, focused, heading, press, tabTo } from './keyboard.mjs'

/** Of the built-in directory. */
const OID = {
  alice: '00000000-aaaa-4000-8000-000000000001',
  bob: '00000000-aaaa-4000-8000-000000000002',
  mia: '00000000-aaaa-4000-8000-000000000009',
}

/** Walks from `emulator` to `callback`; each is `[name, async page => …]`. */
export function walks({ emulator, asking, gateway, callback, take }) {
  const open = (page, changes) => page.goto(authorize(emulator, callback, changes))
  const arrived = async (client, user, method = 'GET', base = emulator) => {
    const [got, ...more] = take()
    assert.deepEqual(more, [], 'the application is called once')
    assert.equal(got?.error_description ?? got?.error, undefined)
    assert.deepEqual([got?.method, got?.state], [method, STATE])
    const claims = await redeem(base, got.code, callback, client)
    assert.equal(claims.oid, OID[user])
    return claims
  }
  return [
    ['sign-in', async page => {
      await open(page)
      await tabTo(page, /^Alice Andersen alice@contoso\.test Role: Admin$/)
      await press(page, 'Enter')
      await back(page)
      assert.deepEqual((await arrived(CLI, 'alice')).roles, ['Admin'])
    }],
    ['sign-in with a hint: the account has the focus', async page => {
      await page.goto(authorize(asking, callback, { login_hint: 'BOB@contoso.test' }))
      assert.match(await focused(page), /^Bob Berg/)
      await press(page, 'Enter')
      await back(page)
      await arrived(CLI, 'bob', 'GET', asking)
    }],
    ['sign-in shows roles and what else will happen', async page => {
      await open(page)
      const said = await page.getByRole('button').allInnerTexts()
      const of = name => said.find(text => text.startsWith(name)).split('\n').pop()
      const expected = {
        'Alice Andersen': 'Role: Admin', 'Bob Berg': 'Role: User', 'Carol Castro': 'No role', 'Dave Diaz': 'No role · disabled',
        'Frank Fischer': 'Role: User', 'Mia Moreau': 'No role · second factor', 'Cora Costa': 'No role · blocked by policy',
      }
      assert.deepEqual(Object.fromEntries(Object.keys(expected).map(name => [name, of(name)])), expected)
      const banner = await page.getByRole('banner').innerText()
      assert.match(banner, /Entra ID emulator\s+This is not Microsoft/)
    }],
    ['sign-in without an API has no roles to show', async page => {
      await open(page, { scope: 'openid profile' })
      const text = await page.getByRole('main').innerText()
      assert.doesNotMatch(text, /role/i)
      await tabTo(page, /^Bob Berg bob@contoso\.test$/)
    }],
    ['sign-in, consent', async page => {
      await open(page, { client_id: CLI2 })
      await tabTo(page, /^Bob Berg/)
      await press(page, 'Space')
      await heading(page, 'Permissions requested')
      await tabTo(page, /^Accept$/)
      await press(page, 'Enter')
      await back(page)
      assert.equal((await arrived(CLI2, 'bob')).aud, API)
    }],
    ['sign-in, consent declined', async page => {
      await open(page, { client_id: CLI2 })
      await tabTo(page, /^Carol Castro/)
      await press(page, 'Enter')
      await tabTo(page, /^Accept$/)
      await tabTo(page, /^Decline$/)
      await press(page, 'Enter')
      await back(page)
      const [got] = take()
      assert.deepEqual([got.error, got.state, got.code], ['access_denied', STATE, undefined])
    }],
    ['sign-in, second factor', async page => {
      await open(page)
      await tabTo(page, /^Mia Moreau/)
      await press(page, 'Enter')
      await heading(page, 'Approve the sign-in')
      await tabTo(page, /^Approve$/)
      await press(page, 'Enter')
      await back(page)
      await arrived(CLI, 'mia')
    }],
    ['sign-in, second factor, consent, back by form_post', async page => {
      await open(page, { client_id: CLI2, response_mode: 'form_post', prompt: 'login' })
      await tabTo(page, /^Mia Moreau/)
      await press(page, 'Enter')
      await tabTo(page, /^Approve$/)
      await press(page, 'Enter')
      await tabTo(page, /^Accept$/)
      await press(page, 'Enter')
      await heading(page, 'Going back to the application')
      assert.deepEqual(take(), [], 'nothing is sent without JavaScript')
      await tabTo(page, /^Continue$/)
      await press(page, 'Enter')
      await back(page)
      await arrived(CLI2, 'mia', 'POST')
    }],
    ['sign-in of somebody who may not: the error page', async page => {
      await open(page)
      await tabTo(page, /^Dave Diaz/)
      await press(page, 'Enter')
      await heading(page, 'The emulator could not sign you in')
      assert.match(await page.getByRole('main').innerText(), /AADSTS50057: /)
      assert.deepEqual(take(), [])
    }],
    ['code of another device', async page => {
      const code = await deviceCode(emulator, CLI)
      await page.goto(devicePage(emulator))
      await tabTo(page, /^Code shown by the device$/)
      await page.keyboard.type(code.toLowerCase())
      await tabTo(page, /^Bob Berg/)
      await press(page, 'Enter')
      await heading(page, 'Sign in to Contoso CLI?')
      await tabTo(page, /^Approve$/)
      await press(page, 'Enter')
      await heading(page, 'Signed in')
    }],
    ['sign-in through the gateway', async page => {
      const asked = { response_type: 'code', client_id: gateway.client, redirect_uri: callback, state: STATE,
        code_challenge: CHALLENGE, code_challenge_method: 'S256' }
      await page.goto(`${gateway.base_url}/oauth/authorize?${query(asked)}`)
      await heading(page, 'Sign in to Contoso')
      await tabTo(page, /^Alice Andersen alice@contoso\.test Role: Admin$/)
      await press(page, 'Enter')
      await back(page)
      const [got] = take()
      assert.ok(got.code, JSON.stringify(got))
      assert.equal(got.state, STATE)
    }],
  ]
}
