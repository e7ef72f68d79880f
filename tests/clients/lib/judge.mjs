// What is right: from what a client saw, what its browser saw and what reached Entra, to one verdict per step.
import { createHash } from 'node:crypto'
import { echoes, lostRole, missingScope, stepUp, unlisted, visitsOf } from './judge-talks.mjs'

/** The columns of the table, in the order in which a client takes them. */
export const STEPS = [
  'discovery',
  'registration',
  'pkce',
  'consent',
  'sign_in',
  'tools_list',
  'allowed_call',
  'refused_call',
  'refused_arguments',
  'no_sign_in_after_refusal',
  'still_connected_after_refusal',
  'refresh_after_expiry',
  'no_prompt_consent',
]

/** Every step that there is: also those that only some client in some mode is judged by. */
export const ALL_STEPS = [...STEPS, 'unregistered_callback', 'unlisted_call', 'missing_scope', 'step_up', 'lost_role']

const GUARDED_TOOL = 'get-env'
const SIGN_IN_PAGE = /sign in to/i

/**
 * Verdicts of one client, by step: `{ ok, why }`. In broker mode the gateway asks for consent, answers with `iss`, and has a
 * PKCE pair of its own towards Entra. `refused_call` is about a user without the role; of the
 * administrator the same step expects that the tool is listed and answers.
 *
 * - `steps`: the ones that this client can show; all by default
 * - `seen`: what the driver noted (`session.mjs`)
 * - `browser`: the pages of the scripted browser (`browser.mjs`)
 * - `requests`: what the client requested (`recorder.mjs`, `recorder.py`)
 * - `log`: the part of the emulator's request log that belongs to this client
 * - `logStart`: how many requests the log had before
 */
export function judge({ mode = 'relay', document, steps = stepsOf(mode), seen, browser, requests, log, logStart, isAdmin }) {
  const judged = {
    discovery: () => discovery(requests),
    registration: () => (document ? document_(browser, requests, document) : registration(requests)),
    pkce: () => (mode === 'broker' ? twoPairs(browser, log) : pkce(browser, log)),
    consent: () => consent(browser),
    sign_in: () => signIn(seen, browser),
    tools_list: () => toolsList(seen, isAdmin),
    allowed_call: () => echoes(seen.echo, 'hello'),
    refused_call: () => (isAdmin ? answers(seen.guarded) : refused(seen.guarded)),
    refused_arguments: () => conditional(seen.conditional),
    no_sign_in_after_refusal: () => nobodySignsIn(log.slice(seen.logLengthBeforeRefusal - logStart, seen.logLengthAfterRefusal - logStart), seen),
    still_connected_after_refusal: () => echoes(seen.echoAfterwards, 'still here'),
    refresh_after_expiry: () => refresh(seen, browser, log.slice(seen.logLengthAtExpiry - logStart)),
    no_prompt_consent: () => noPromptConsent(browser, log),
    unregistered_callback: () => unregisteredCallback(browser),
    unlisted_call: () => unlisted(seen.unlisted),
    missing_scope: () => missingScope(seen.scoped),
    step_up: () => stepUp(mode, seen, visitsOf(browser)),
    lost_role: () => lostRole(mode, seen, visitsOf(browser)),
  }
  return Object.fromEntries(steps.map(step => [step, verdict(judged[step])]))
}

/** The steps of a mode: in relay mode nobody but Entra asks anything. */
export const stepsOf = mode => STEPS.filter(step => mode === 'broker' || step !== 'consent')

/** Each judgement says why not, or nothing. */
function verdict(judgement) {
  try {
    const why = judgement()
    return { ok: why === undefined, why }
  } catch (error) {
    return { ok: false, why: `cannot be judged: ${error.message}` }
  }
}

const found = (requests, document) =>
  requests.some(({ path, status }) => path.startsWith(`/.well-known/${document}`) && status === 200)

function discovery(requests) {
  if (!found(requests, 'oauth-protected-resource')) return 'no protected resource metadata was read'
  if (!found(requests, 'oauth-authorization-server')) return 'no authorization server metadata was read'
}

function registration(requests) {
  const attempts = requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/register'))
  if (!attempts.some(({ status }) => status === 201)) return `registrations: ${attempts.map(({ status }) => status)}`
}

/** The client used the URL of its metadata document instead of registering. */
function document_(browser, requests, document) {
  if (requests.some(({ path }) => path.endsWith('/register'))) return 'the client registered, although it has a document'
  const id = authorizeUrl(browser).searchParams.get('client_id')
  if (id !== document) return `the client_id is ${id}`
}

/** The gateway checks the client's pair and has one of its own towards Entra. */
function twoPairs(browser, log) {
  const asked = authorizeUrl(browser).searchParams
  if (asked.get('code_challenge_method') !== 'S256') return 'the authorize request has no S256 challenge'
  const atEntra = log.find(({ path }) => path.endsWith('/authorize'))
  const challenge = atEntra && parameter(atEntra, 'code_challenge')
  if (!challenge || parameter(atEntra, 'code_challenge_method') !== 'S256') return 'Entra saw no S256 challenge'
  if (challenge === asked.get('code_challenge')) return "the client's challenge was handed on to Entra"
  const verifier = redemptions(log, 'authorization_code')[0]?.code_verifier
  if (!verifier) return 'no code was redeemed with a verifier'
  if (createHash('sha256').update(verifier).digest('base64url') !== challenge) return "Entra's verifier is not the one of its challenge"
}

/** The gateway's page was shown and answered, and the client was answered by our issuer (RFC 9207). */
function consent(browser) {
  if (!browser.some(({ title }) => /^Allow .*\?$/.test(title ?? ''))) return 'no consent page was shown'
  if (!browser.some(({ pressed }) => pressed === 'decision=approve')) return 'nobody allowed the client'
  const callback = browser.find(({ isCallback }) => isCallback)
  const issuers = callback ? new URL(callback.url).searchParams.getAll('iss') : []
  const ours = authorizeUrl(browser).origin
  if (issuers.length !== 1 || issuers[0] !== ours) return `iss is ${issuers.join(' and ') || 'missing'}, not ${ours}`
}

/** The verifier that reached Entra belongs to the challenge with which the client began. */
function pkce(browser, log) {
  const asked = authorizeUrl(browser).searchParams
  if (asked.get('code_challenge_method') !== 'S256') return 'the authorize request has no S256 challenge'
  const verifier = redemptions(log, 'authorization_code')[0]?.code_verifier
  if (!verifier) return 'no code was redeemed with a verifier'
  const expected = createHash('sha256').update(verifier).digest('base64url')
  if (asked.get('code_challenge') !== expected) return 'the verifier is not the one of the challenge'
}

function signIn(seen, browser) {
  if (!browser.some(({ title, status }) => status === 200 && SIGN_IN_PAGE.test(title))) return 'no sign-in page was shown'
  if (!browser.some(({ isCallback, status }) => isCallback && status < 400)) return 'the callback was not reached'
  if (!seen.connected) return 'the client did not connect'
}

function toolsList({ tools }, isAdmin) {
  if (!tools?.includes('echo')) return `echo is not listed: ${tools}`
  if (tools.includes(GUARDED_TOOL) !== isAdmin) return `${GUARDED_TOOL} is ${isAdmin ? 'not ' : ''}listed`
}

function refused(result) {
  const reason = 'Not allowed: tool `get-env` needs the app role `Admin`.'
  if (!result || result.isError === false || !result.text.includes(reason)) return `got ${JSON.stringify(result)}`
}

/** The tool is listed, and is not for these arguments: the reason has the rule's condition in it. */
function conditional(result) {
  const reason = 'Not allowed: tool `get-sum` may be called only when this is true: args.a < 1000'
  if (!result || result.isError === false || !result.text.includes(reason)) return `got ${JSON.stringify(result)}`
}

/** Signing in again brings no role, and a client that tries it does not stop. */
function nobodySignsIn(since, { logLengthBeforeRefusal, logLengthAfterRefusal }) {
  if (!(logLengthBeforeRefusal <= logLengthAfterRefusal)) return 'nothing was refused'
  const attempts = since.filter(({ path }) => path.endsWith('/authorize') || path.endsWith('/token'))
  if (attempts.length > 0) return `Entra was asked again: ${attempts.map(({ path }) => path)}`
}

function answers(result) {
  if (result?.isError !== false || !result.text.includes('PATH')) return `got ${JSON.stringify(result)}`
}

function refresh(seen, browser, since) {
  // A client that calls no tools tells whether it still is connected.
  const wrong = seen.connectedAfterExpiry ? undefined : echoes(seen.echoAfterExpiry, 'later')
  if (wrong) return wrong
  if (redemptions(since, 'refresh_token').length === 0) return 'no refresh token was redeemed'
  // Whoever was told to has signed in before: how often, `lost_role` counts.
  const isOnce = seen.signInAgain !== undefined || browser.filter(({ isCallback }) => isCallback).length === 1
  if (!isOnce || since.some(({ path }) => path.endsWith('/authorize'))) return 'the user had to sign in again'
}

function noPromptConsent(browser, log) {
  const prompts = [authorizeUrl(browser).searchParams.get('prompt'), ...log.map(request => parameter(request, 'prompt'))]
  if (prompts.some(prompt => prompt?.split(' ').includes('consent'))) return 'prompt=consent was sent'
}

/** Entra knows no such callback, says so to the person, and sends nothing to it: where relay mode ends for some clients. */
function unregisteredCallback(browser) {
  if (browser.some(({ isCallback }) => isCallback)) return 'the callback was reached'
  const last = browser.findLast(({ url }) => url)
  if (!/AADSTS50011/.test(last.title)) return `the last page was ${last.title}`
}

const authorizeUrl = browser => new URL(browser.find(({ url }) => url).url)

const redemptions = (log, grant) =>
  log.filter(isTokenRequest).map(({ form }) => Object.fromEntries(form)).filter(form => form.grant_type === grant)

/** Whether a logged request went to a token endpoint. */
export const isTokenRequest = ({ path }) => path.endsWith('/token')

/** A parameter of a logged request, in the query or in the form. */
export const parameter = ({ query, form }, name) => [...query, ...form].find(([given]) => given === name)?.[1]
