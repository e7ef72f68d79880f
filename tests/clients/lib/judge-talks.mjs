// What is right in conversations (`conversation.mjs`): what a missing scope and a lost role tell the person, and what they may cost.

/** The call was answered. */
export function echoes(result, message) {
  if (!result || result.isError || !result.text.endsWith(`Echo: ${message}`)) return `got ${JSON.stringify(result)}`
}

/** The client knows which tools are listed and does not ask the gateway about others, or the gateway refuses. */
export function unlisted(result) {
  if (!fails(result, /no such tool|unavailable tool|unsupported call|not allowed/i)) return `got ${JSON.stringify(result)}`
}

/** Two calls lack a scope; the one between them, of another tool, is answered. */
export const missingScope = ({ heard: [first, after, again], answers, atEntra }) =>
  withoutScope([first, again], answers, atEntra) ?? echoes(after, 'after the challenge')

/**
 * After the person has signed in again. With the broker, the token has what the client asked for and the person agreed to; relay mode
 * cannot promise that. Who comes back without the scope is not challenged a second time but told in our words, unless the client
 * registered anew: then it is another client, which is challenged as the first one was.
 */
export function stepUp(mode, { signInAgain, scopedAgain }, visits) {
  const { heard: [first, second, after], answers, atEntra } = scopedAgain
  if (!signInAgain.atEntra.includes('authorize')) return 'nobody signed in again'
  if (count(signInAgain.atEntra, 'token') !== 1) return `signing in took ${count(signInAgain.atEntra, 'token')} tokens`
  const asked = asksForIt(visits[1])
  const isAnother = mode === 'broker' && !asked && signInAgain.answers.includes('POST /oauth/register 201')
  const right = mode === 'relay' ? [isAnswered, isInVain] : [asked ? isAnswered : isInVain]
  const both = [first, second]
  return (isAnother ? withoutScope(both, answers, atEntra) : quiet(both, right, answers, atEntra)) ?? echoes(after, 'after signing in')
}

/** Each result is one of what is right, and nobody was challenged for it. */
function quiet(results, right, answers, atEntra) {
  if (!results.every(result => right.some(isRight => isRight(result)))) return `got ${JSON.stringify(results)}`
  if (answers.some(isForbidden) || atEntra.length > 0) return `it was challenged again: ${answers}, ${atEntra}`
}

/** The next token has no role. */
export function lostRole(mode, seen, visits) {
  const { heard: [before, ...without], answers, atEntra } = seen.roleLost
  const reads = mode === 'broker' ? SIGN_IN : /Not allowed: tool `echo` needs one of the app roles `Admin`, `User`\./
  if (without.length !== 2 || !without.every(result => fails(result, reads))) return `got ${JSON.stringify(without)}`
  if (atEntra.join() !== 'token') return `Entra was asked for ${atEntra}, not for one token`
  return (mode === 'broker' ? signedOut(seen, answers, visits) : signedIn(visits)) ?? echoes(before, 'with the role')
}

const NO_SCOPE = /permission `write`|[" ]api:\/\/\S+\/write\b|Insufficient scope/
// The clients' own words for a 401 that no refresh repairs.
const SIGN_IN = /needs you to sign in again|needs authentication|authentication required|^Unauthorized$/i
const NO_ROLE = 'You are signed in, but you have none of the app roles that this server asks for: Admin, User'
const WHO = "An administrator of your organisation's Microsoft Entra tenant has to repair this"
const HOW = 'Assign you, or a group that you are a direct member of, one of these roles: Entra admin center, Enterprise applications, the API app, Users and groups.'

/** In relay mode a lost role ends no sign-in: there was the first one, and the one for the missing scope. */
function signedIn(visits) {
  if (visits.length !== 2) return `${visits.length} sign-ins were begun, not 2`
}

/**
 * The broker refuses the refresh, once, and each of the two calls was sent at most twice: with the old token and after the refresh. Whoever
 * then does as they are told reads why that is in vain, and is signed in by one more attempt when the role is back.
 */
function signedOut({ signInWithoutRole, signInWithRole }, answers, visits) {
  const refreshes = answers.filter(isToken)
  if (refreshes.join() !== 'POST /oauth/token 400') return `the gateway was asked to refresh: ${refreshes}`
  const refused = count(answers, 'POST /mcp 401')
  if (refused < 2 || refused > 4) return `two calls were refused ${refused} times`
  return refusedSignIn(signInWithoutRole, visits.slice(2, -1)) ?? goodSignIn(signInWithRole, visits.slice(3).at(-1))
}

/**
 * The person reads it on the page, and again where the client shows what it was told. One attempt, which ends at that; a second one is right only where
 * the client says that it retries: Codex takes every error for one about scopes and signs in once more, without naming them itself.
 */
function refusedSignIn({ said, answers, atEntra }, visits) {
  const attempts = /Retrying without scopes/.test(said) ? 2 : 1
  if (visits.length !== attempts) return `the refused sign-in was begun ${visits.length} times, not ${attempts}`
  const wrong = visits.map(refusedVisit).find(Boolean)
  if (wrong) return wrong
  if (!said.replace(/\s+/g, ' ').includes(`${NO_ROLE}. ${HOW}`)) return `the client said ${said}`
  if (count(atEntra, 'token') !== visits.length) return `${visits.length} refused sign-ins took ${count(atEntra, 'token')} tokens`
  // There is no code to redeem, and no token to call with.
  const more = answers.filter(answer => isToken(answer) || answer.endsWith('/mcp 200'))
  if (more.length > 0) return `after the refused sign-in the client asked for ${more}`
}

/** The page says what is missing, who gives it and where; and the client's callback gets the same, from our issuer (RFC 9207). */
function refusedVisit(visit) {
  const page = visit.find(({ read }) => read)?.read ?? ''
  const missing = [NO_ROLE, WHO, HOW].find(text => !page.includes(text))
  if (missing) return `the page does not say: ${missing}`
  const callback = visit.find(({ isCallback }) => isCallback)
  const told = callback ? new URL(callback.url).searchParams : new URLSearchParams()
  if (told.get('error') !== 'access_denied' || !told.get('error_description').startsWith(`${NO_ROLE}. ${HOW}`)) return `the client was told ${told}`
  if (told.getAll('iss').join() !== new URL(visit[0].url).origin) return `iss is ${told.getAll('iss')}`
}

function goodSignIn({ answers, atEntra }, visit = []) {
  if (!visit.some(({ isCallback, url }) => isCallback && new URL(url).searchParams.has('code'))) return 'nobody signed in once the role was back'
  if (answers.filter(isToken).join() !== 'POST /oauth/token 200' || count(atEntra, 'token') !== 1) return `signing in with the role took ${answers}, ${atEntra}`
}

/** The sign-ins that the browser was sent to, each from the gateway's authorize endpoint on. */
export function visitsOf(browser) {
  const starts = browser.flatMap(({ url }, index) => url && new URL(url).pathname === '/oauth/authorize' ? [index] : [])
  return starts.map((start, number) => browser.slice(start, starts[number + 1]))
}

/**
 * What a call without the scope tells and costs: which scope it is (Codex has words of its own for every 403, without it), one challenge a call and none for a token
 * that came after one, one refresh, and no sign-in that nobody asked for.
 */
function withoutScope(results, answers, atEntra) {
  if (!results.every(result => fails(result, NO_SCOPE))) return `got ${JSON.stringify(results)}`
  const challenges = answers.filter(isForbidden).length
  if (challenges < 1 || challenges > results.length) return `${results.length} calls were challenged ${challenges} times`
  const renewed = answers.findIndex(isToken)
  if (renewed !== -1 && answers.slice(renewed).some(isForbidden)) return `a new token was challenged, too: ${answers}`
  if (atEntra.includes('authorize')) return 'a sign-in was begun unasked'
  if (atEntra.length > 1) return `Entra was asked ${atEntra.length} times`
}

/** OpenAI's APIs do not say whether a result is an error. */
const fails = (result, words) => result !== undefined && result.isError !== false && words.test(result.text)
const isAnswered = result => result !== undefined && !result.isError && /Operation completed successfully$/.test(result.text)
const isInVain = result => fails(result, /permission `write`, and a new token did not bring it/)
const scopeOf = visit => new URL(visit[0].url).searchParams.get('scope') ?? ''
const asksForIt = visit => visit !== undefined && /\/write( |$)/.test(scopeOf(visit))

const isForbidden = answer => answer.endsWith(' 403')
const isToken = answer => answer.startsWith('POST /oauth/token ')
const count = (all, one) => all.filter(it => it === one).length
