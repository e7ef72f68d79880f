// A judge that lets everything pass proves nothing: each verdict is shown evidence that must fail it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STEPS, judge, stepsOf } from './judge.mjs'
import { wire } from './wire.mjs'

const VERIFIER = 'a'.repeat(43)
const CHALLENGE = 'ZtNPunH49FD35FWYhT5Tv8I7vRKQJ8uxMaL0_9eHjNA' // its SHA-256

function evidence() {
  const authorize = new URLSearchParams({ code_challenge: CHALLENGE, code_challenge_method: 'S256', prompt: 'select_account' })
  const token = form => ({ method: 'POST', path: '/t/oauth2/v2.0/token', query: [], form: [...Object.entries(form), ['scope', 's']], headers: [] })
  return {
    seen: {
      connected: true,
      tools: ['echo'],
      echo: { isError: false, text: 'Echo: hello' },
      guarded: { isError: true, text: 'Not allowed: tool `get-env` needs the app role `Admin`. Ask an administrator.' },
      conditional: { isError: true, text: 'Not allowed: tool `get-sum` may be called only when this is true: args.a < 1000' },
      logLengthBeforeRefusal: 12,
      logLengthAfterRefusal: 12,
      echoAfterwards: { isError: false, text: 'Echo: still here' },
      logLengthAtExpiry: 12,
      echoAfterExpiry: { isError: false, text: 'Echo: later' },
    },
    browser: [
      { url: `http://gateway/oauth/authorize?${authorize}`, status: 302 },
      { url: 'http://entra/authorize', status: 200, title: 'Sign in to Contoso (emulator)' },
      { pressed: '__emulator_user=bob' },
      { url: 'http://localhost/callback', status: 200, isCallback: true },
    ],
    requests: [
      { method: 'GET', path: '/.well-known/oauth-protected-resource/mcp', status: 200 },
      { method: 'GET', path: '/.well-known/oauth-authorization-server', status: 200 },
      { method: 'POST', path: '/oauth/register', status: 201 },
    ],
    logStart: 10,
    log: [
      { method: 'GET', path: '/t/oauth2/v2.0/authorize', query: [['prompt', 'select_account']], form: [], headers: [] },
      token({ grant_type: 'authorization_code', code_verifier: VERIFIER }),
      token({ grant_type: 'refresh_token' }),
    ],
    isAdmin: false,
  }
}

/** What comes of conversations with the scripted model. */
function talks() {
  const said = text => ({ isError: true, text })
  const noRole = said('Not allowed: tool `echo` needs one of the app roles `Admin`, `User`. Ask an administrator.')
  const again = said('Not allowed: tool `x` needs the permission `write`, and a new token did not bring it.')
  const scope = said('needs additional permissions (scope: "api://a/write")')
  const echo = text => ({ isError: false, text: `Echo: ${text}` })
  return {
    unlisted: said('No such tool available: get-env'),
    scoped: { heard: [scope, echo('after the challenge'), scope], answers: ['POST /mcp 403', 'POST /mcp 200', 'POST /mcp 403'], atEntra: [] },
    signInAgain: { answers: ['POST /oauth/token 200'], atEntra: ['authorize', 'authorize', 'token'] },
    scopedAgain: { heard: [again, again, echo('after signing in')], answers: ['POST /mcp 200'], atEntra: [] },
    roleLost: { heard: [echo('with the role'), noRole, noRole], answers: [], atEntra: ['token'] },
  }
}

const RELAY = stepsOf('relay')
const failing = given => {
  const verdicts = judge(given)
  return Object.keys(verdicts).filter(step => !verdicts[step].ok)
}

/** The same in broker mode: a consent page, `iss`, and a second PKCE pair towards Entra. */
function brokerEvidence() {
  const given = { ...evidence(), mode: 'broker' }
  given.browser.splice(1, 0, { url: given.browser[0].url, status: 200, title: 'Allow TypeScript SDK 2?' }, { pressed: 'decision=approve' })
  given.browser.at(-1).url = 'http://localhost/callback?code=c&iss=http%3A%2F%2Fgateway'
  given.log[0].query.push(['code_challenge', CHALLENGE], ['code_challenge_method', 'S256'])
  const own = new URL(given.browser[0].url)
  own.searchParams.set('code_challenge', 'b'.repeat(43))
  given.browser[0].url = own.href
  return given
}

test('good evidence passes every step', () => assert.deepEqual(failing(evidence()), []))

test('no evidence passes none', () => {
  const nothing = { seen: {}, browser: [], requests: [], log: [], logStart: 0, isAdmin: false }
  assert.deepEqual(failing(nothing), RELAY)
  assert.deepEqual(failing({ ...nothing, mode: 'broker' }), STEPS)
})

const SPOILED = {
  discovery: it => it.requests.splice(1, 1),
  registration: it => { it.requests[2].status = 400 },
  pkce: it => { it.log[1].form[1][1] = 'b'.repeat(43) },
  sign_in: it => { it.browser[1].title = 'Sorry' },
  tools_list: it => it.seen.tools.push('get-env'),
  allowed_call: it => { it.seen.echo.isError = true },
  refused_call: it => { it.seen.guarded.isError = false },
  refused_arguments: it => { it.seen.conditional.text = 'Not allowed' },
  no_sign_in_after_refusal: it => { it.seen.logLengthAfterRefusal = 13 },
  still_connected_after_refusal: it => delete it.seen.echoAfterwards,
  refresh_after_expiry: it => it.log.pop(),
  no_prompt_consent: it => it.log[0].query.push(['prompt', 'consent']) && it.log[0].query.shift(),
}

for (const step of RELAY) {
  test(`${step} can fail`, () => {
    const given = evidence()
    SPOILED[step](given)
    assert.deepEqual(failing(given), [step])
  })
}

test('good evidence of broker mode passes every step', () => assert.deepEqual(failing(brokerEvidence()), []))

const SPOILED_CONSENT = {
  'no page': it => { it.browser[1].title = 'Sign in' },
  'no answer': it => { it.browser[2].pressed = 'decision=deny' },
  'no iss': it => { it.browser.at(-1).url = 'http://localhost/callback?code=c' },
  'two iss': it => { it.browser.at(-1).url += '&iss=http%3A%2F%2Fgateway' },
  "Entra's iss": it => { it.browser.at(-1).url = 'http://localhost/callback?code=c&iss=https%3A%2F%2Flogin' },
}
for (const [how, spoil] of Object.entries(SPOILED_CONSENT)) {
  test(`consent can fail: ${how}`, () => {
    const given = brokerEvidence()
    spoil(given)
    assert.deepEqual(failing(given), ['consent'])
  })
}

test("handing the client's challenge on to Entra is not a pair of our own", () => {
  const given = brokerEvidence()
  given.browser[0].url = evidence().browser[0].url
  assert.deepEqual(failing(given), ['pkce'])
})

test('a client with a document must use it', () => {
  const given = { ...brokerEvidence(), document: 'https://localhost/client.json' }
  assert.deepEqual(failing(given), ['registration'])
  given.requests.splice(2, 1)
  const url = new URL(given.browser[0].url)
  url.searchParams.set('client_id', given.document)
  given.browser[0].url = url.href
  assert.deepEqual(failing(given), [])
})

test('a refusal that does not name the role is not good enough', () => {
  const given = evidence()
  given.seen.guarded.text = 'forbidden'
  assert.deepEqual(failing(given), ['refused_call'])
})

test('a second sign-in is no refresh', () => {
  const given = evidence()
  given.browser.push(given.browser.at(-1))
  assert.deepEqual(failing(given), ['refresh_after_expiry'])
})

test('a refresh before the token has expired does not count', () => {
  const given = evidence()
  given.seen.logLengthAtExpiry = 13
  assert.deepEqual(failing(given), ['refresh_after_expiry'])
})

test('the administrator must see the tool and be answered', () => {
  assert.deepEqual(failing({ ...evidence(), isAdmin: true }), ['tools_list', 'refused_call'])
  const given = { ...evidence(), isAdmin: true }
  given.seen.tools.push('get-env')
  given.seen.guarded = { isError: false, text: '{"PATH":""}' }
  assert.deepEqual(failing(given), [])
})

test('an unregistered callback must be refused, and not be reached', () => {
  const verdict = browser => failing({ ...evidence(), browser, steps: ['unregistered_callback'] })
  const [asked, page, , reached] = evidence().browser
  const refused = { ...page, title: 'Sign in: error AADSTS50011 (emulator)' }
  assert.deepEqual(verdict([asked, refused]), [])
  for (const wrong of [[], [asked, page], [asked, refused, reached]]) assert.deepEqual(verdict(wrong), ['unregistered_callback'])
})

test('conversations: good ones pass, and each way to go wrong fails', () => {
  const steps = ['unlisted_call', 'missing_scope', 'step_up', 'lost_role']
  const verdict = (spoil = () => {}) => {
    const given = evidence()
    Object.assign(given.seen, talks())
    given.browser.push(...given.browser)
    spoil(given.seen, given.browser)
    return failing({ ...given, steps })
  }
  assert.deepEqual(verdict(), [])
  assert.deepEqual(failing({ ...evidence(), steps }), steps)
  const wrong = [
    ['unlisted_call', it => { it.unlisted = { isError: false, text: '{"PATH":""}' } }],
    ['missing_scope', it => { it.scoped.heard[0] = { isError: true, text: 'Something went wrong' } }],
    ['missing_scope', it => { it.scoped.heard[2] = { text: 'Available tools: bash, todowrite, write.' } }],
    ['missing_scope', it => it.scoped.answers.push('POST /mcp 403')],
    ['missing_scope', it => { it.scoped.answers = [] }],
    ['missing_scope', it => it.scoped.answers.splice(1, 1, 'POST /oauth/token 200')],
    ['missing_scope', it => { it.scoped.atEntra = ['token', 'token'] }],
    ['missing_scope', it => it.scoped.atEntra.push('authorize')],
    ['missing_scope', it => it.scoped.heard.splice(1, 1, undefined)],
    ['step_up', it => { it.signInAgain.atEntra = [] }],
    ['step_up', it => it.signInAgain.atEntra.push('token')],
    ['step_up', it => it.scopedAgain.answers.push('POST /mcp 403')],
    ['step_up', it => { it.scopedAgain.heard[0] = undefined }],
    ['step_up', it => it.scopedAgain.atEntra.push('token')],
    ['step_up', it => it.signInAgain.answers.push('POST /oauth/register 201') && it.scopedAgain.answers.push('POST /mcp 403')],
    ['lost_role', it => it.roleLost.atEntra.push('authorize')],
    ['lost_role', it => { it.roleLost.heard[2] = { isError: true, text: 'Forbidden' } }],
    ['lost_role', it => it.roleLost.heard.pop()],
    ['lost_role', it => { it.roleLost.heard[1] = { isError: true, text: 'Authentication required' } }],
    ['lost_role', (_, browser) => browser.push(...evidence().browser)],
  ]
  for (const [step, spoil] of wrong) assert.deepEqual(verdict(spoil), [step])
})

/** What comes of them with the broker: the scope, the sign-in that ends with the role, and four visits of the browser. */
function brokerTalks({ scope = 'api://a/access api://a/write' } = {}) {
  const given = brokerEvidence()
  const { seen, browser } = given
  const reason = 'You are signed in, but you have none of the app roles that this server asks for: Admin, User'
  const fix = 'Assign you, or a group that you are a direct member of, one of these roles: Entra admin center, Enterprise applications, the API app, Users and groups.'
  const done = { isError: false, text: 'Operation completed successfully' }
  const out = text => ({ isError: true, text })
  Object.assign(seen, talks(), {
    scopedAgain: { heard: [done, done, { isError: false, text: 'Echo: after signing in' }], answers: ['POST /mcp 200'], atEntra: [] },
    roleLost: {
      heard: [{ isError: false, text: 'Echo: with the role' }, out('MCP server needs you to sign in again'), out('MCP server needs authentication')],
      answers: ['POST /mcp 200', 'POST /mcp 401', 'POST /oauth/token 400', 'POST /mcp 401'],
      atEntra: ['token'],
    },
    signInWithoutRole: { said: `access_denied:\n${reason}. ${fix} (sign-in 1)`, answers: ['POST /mcp 401'], atEntra: ['authorize', 'token'] },
    signInWithRole: { answers: ['POST /oauth/token 200', 'POST /mcp 200'], atEntra: ['authorize', 'token'] },
  })
  const [start] = browser.splice(1, 1)
  browser.splice(1, 0, { url: 'http://gateway/oauth/consent', status: 200, title: start.title })
  const visit = structuredClone(browser)
  const again = structuredClone(visit)
  const url = new URL(again[0].url)
  url.searchParams.set('scope', scope)
  again[0].url = url.href
  const refused = structuredClone(visit)
  const told = new URLSearchParams({ error: 'access_denied', error_description: `${reason}. ${fix} (sign-in 1)`, iss: 'http://gateway' })
  refused.splice(-1, 1,
    { url: 'http://gateway/auth/callback?code=c', status: 400, title: 'The sign-in did not work' },
    { pressed: 'Return to it', read: `${reason} An administrator of your organisation's Microsoft Entra tenant has to repair this ${fix} Return to it` },
    { url: `http://localhost/callback?${told}`, status: 400, isCallback: true })
  browser.push(...again, ...refused, ...visit)
  return given
}

const visitAt = (browser, number) => browser.findIndex(({ url }, index) =>
  url?.includes('/oauth/authorize') && browser.slice(0, index).filter(({ url }) => url?.includes('/oauth/authorize')).length === number)

test('conversations with the broker: good ones pass, and each way to go wrong fails', () => {
  const steps = ['missing_scope', 'step_up', 'lost_role', 'refresh_after_expiry']
  const verdict = (spoil = () => {}, how) => {
    const given = brokerTalks(how)
    spoil(given.seen, given.browser)
    return failing({ ...given, steps })
  }
  assert.deepEqual(verdict(), [])
  const refused = browser => browser.slice(visitAt(browser, 2))
  const page = browser => refused(browser).find(({ read }) => read)
  const callback = browser => refused(browser).find(({ isCallback }) => isCallback)
  const wrong = [
    // Who asked for the scope and was allowed it has it.
    ['step_up', it => { it.scopedAgain.heard[0] = { isError: true, text: 'needs the permission `write`, and a new token did not bring it' } }],
    ['step_up', it => it.scopedAgain.answers.push('POST /mcp 403')],
    ['step_up', it => it.scopedAgain.atEntra.push('token')],
    ['step_up', it => it.scopedAgain.heard.pop()],
    // What the person reads of a lost role, and what it costs.
    ['lost_role', it => { it.roleLost.heard[1].text = 'Internal error' }],
    ['lost_role', it => { it.roleLost.heard[2].isError = false }],
    ['lost_role', it => { it.roleLost.heard[0] = undefined }],
    ['lost_role', it => it.roleLost.heard.pop()],
    ['lost_role', it => it.roleLost.atEntra.push('token')],
    ['lost_role', it => it.roleLost.atEntra.push('authorize')],
    ['lost_role', it => it.roleLost.answers.push('POST /oauth/token 400')],
    ['lost_role', it => { it.roleLost.answers[2] = 'POST /oauth/token 200' }],
    ['lost_role', it => it.roleLost.answers.push(...Array(3).fill('POST /mcp 401'))],
    ['lost_role', it => it.roleLost.answers.pop()],
    // The sign-in without the role.
    ['lost_role', it => { delete it.signInWithoutRole }],
    ['lost_role', it => { it.signInWithoutRole.said = 'Authentication failed' }],
    ['lost_role', it => it.signInWithoutRole.atEntra.push('token')],
    ['lost_role', it => it.signInWithoutRole.answers.push('POST /oauth/token 400')],
    ['lost_role', it => it.signInWithoutRole.answers.push('POST /mcp 200')],
    ['lost_role', (_, browser) => { page(browser).read = page(browser).read.replace('Admin, User', '') }],
    ['lost_role', (_, browser) => { page(browser).read = page(browser).read.replace('An administrator', 'Somebody') }],
    ['lost_role', (_, browser) => { page(browser).read = page(browser).read.replace('Users and groups', '') }],
    ['lost_role', (_, browser) => { delete page(browser).read }],
    ['lost_role', (_, browser) => { callback(browser).isCallback = false }],
    ['lost_role', (_, browser) => { callback(browser).url = callback(browser).url.replace('access_denied', 'server_error') }],
    ['lost_role', (_, browser) => { callback(browser).url = callback(browser).url.replace('Admin', '') }],
    ['lost_role', (_, browser) => { callback(browser).url = callback(browser).url.replace('iss=', 'it=') }],
    // The sign-in with it.
    ['lost_role', it => { it.signInWithRole.answers = [] }],
    ['lost_role', it => it.signInWithRole.answers.push('POST /oauth/token 400')],
    ['lost_role', it => it.signInWithRole.atEntra.push('token')],
    ['lost_role', (_, browser) => { browser.at(-1).url = 'http://localhost/callback?error=access_denied' }],
    ['lost_role', (_, browser) => browser.splice(visitAt(browser, 3))],
    ['lost_role', (_, browser) => browser.splice(visitAt(browser, 2), visitAt(browser, 3) - visitAt(browser, 2))],
    ['lost_role', (_, browser) => browser.push(browser[0])],
    ['lost_role', (_, browser) => browser.push(...structuredClone(browser.slice(visitAt(browser, 3))))],
  ]
  for (const [step, spoil] of wrong) assert.deepEqual(verdict(spoil), [step], `${spoil}`)
  assert.deepEqual(failing({ ...brokerTalks(), seen: evidence().seen, steps }), steps)
})

test('a client whose sign-in was refused may try once more, and says so', () => {
  const verdict = (attempts, spoil = () => {}, says = 'Retrying without scopes…\n') => {
    const given = brokerTalks()
    const { browser, seen } = given
    const refused = browser.splice(visitAt(browser, 2), visitAt(browser, 3) - visitAt(browser, 2))
    const all = Array.from({ length: attempts }, () => structuredClone(refused))
    browser.splice(visitAt(browser, 2), 0, ...all.flat())
    seen.signInWithoutRole.said = says + seen.signInWithoutRole.said
    seen.signInWithoutRole.atEntra = all.flatMap(() => ['authorize', 'token'])
    spoil(all, seen)
    return failing({ ...given, steps: ['lost_role'] })
  }
  assert.deepEqual(verdict(2), [])
  assert.deepEqual(verdict(1, undefined, ''), [])
  for (const [attempts, spoil, says] of [
    [0, undefined, ''],
    [1],
    [2, undefined, ''],
    [3],
    [2, all => { delete all[1].find(({ read }) => read).read }],
    [2, (_, seen) => seen.signInWithoutRole.atEntra.push('token')],
  ]) assert.deepEqual(verdict(attempts, spoil, says), ['lost_role'], `${attempts}, ${spoil}, ${says}`)
})

test('who asked the broker for no more scopes is told so, and is challenged again only as another client', () => {
  const verdict = spoil => {
    const given = brokerTalks({ scope: 'api://a/access' })
    spoil(given.seen)
    return failing({ ...given, steps: ['step_up'] })
  }
  const inVain = { isError: true, text: 'Not allowed: tool `x` needs the permission `write`, and a new token did not bring it.' }
  const told = it => it.scopedAgain.heard.splice(0, 2, inVain, inVain)
  const anew = it => it.signInAgain.answers.push('POST /oauth/register 201')
  const challenged = (...answers) => it => it.scopedAgain.answers.push(...answers)
  const all = (...spoils) => it => spoils.forEach(spoil => spoil(it))

  for (const good of [
    told,
    all(told, anew, challenged('POST /mcp 403', 'POST /oauth/token 200', 'POST /mcp 200'), it => it.scopedAgain.atEntra.push('token')),
    all(anew, challenged('POST /mcp 403', 'POST /mcp 403'), it => it.scopedAgain.heard.splice(0, 2, { text: 'error: Insufficient scope' }, { text: 'error: Insufficient scope' })),
  ]) assert.deepEqual(verdict(good), [], `${good}`)
  for (const wrong of [
    () => {},
    all(told, challenged('POST /mcp 403')),
    all(told, it => it.scopedAgain.heard.splice(1, 1, { text: 'error: Insufficient scope' })),
    all(told, it => it.scopedAgain.atEntra.push('token')),
    all(told, anew),
    all(anew, challenged('POST /mcp 403')),
    all(told, anew, challenged('POST /mcp 403', 'POST /mcp 403', 'POST /mcp 403')),
    all(told, anew, challenged('POST /mcp 403', 'POST /oauth/token 200', 'POST /mcp 403')),
    all(told, anew, challenged('POST /mcp 403'), it => it.scopedAgain.atEntra.push('authorize')),
    all(told, anew, challenged('POST /mcp 403'), it => it.scopedAgain.atEntra.push('token', 'token')),
  ]) assert.deepEqual(verdict(wrong), ['step_up'], `${wrong}`)
})

test('whoever was told to sign in again has done so before the token expires, not after', () => {
  const given = evidence()
  Object.assign(given.seen, talks())
  given.browser.push(...given.browser)
  assert.deepEqual(failing(given), [])
  given.log.push({ method: 'GET', path: '/t/oauth2/v2.0/authorize', query: [], form: [], headers: [] })
  assert.deepEqual(failing(given), ['refresh_after_expiry'])
})

test('each check of the wire can fail', () => {
  const failed = (log, least = 1) => wire(log, least).map(({ ok }) => !ok)
  const { log } = evidence()
  assert.deepEqual(failed(log), [false, false, false, false])
  assert.deepEqual(failed(log, 3), [true, true, true, true])
  const spoil = change => { const it = structuredClone(log); change(it); return failed(it) }
  assert.deepEqual(spoil(it => it[1].form.push(['resource', 'x'])), [true, false, false, false])
  assert.deepEqual(spoil(it => it[0].query.push(['resource', ''])), [true, false, false, false])
  assert.deepEqual(spoil(it => it[2].headers.push(['Origin', 'null'])), [false, true, false, false])
  assert.deepEqual(spoil(it => it[2].form.pop()), [false, false, true, false])
  assert.deepEqual(spoil(it => { it[0].query = [['prompt', 'login consent']] }), [false, false, false, true])
})
