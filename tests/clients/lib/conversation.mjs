// What each client is asked in conversations with the scripted model. It only notes what the client told and requested; `judge.mjs` decides.
import { readFileSync } from 'node:fs'
import { advance, requests } from './emulator.mjs'
import { giveRole, takeRole } from './entra.mjs'

const TWO_HOURS = 7200
const { EVIDENCE, MODE, SIGN_IN_AS } = process.env

const echo = message => ({ tool: 'echo', input: { message } })
const UNLISTED = { tool: 'get-env', input: {} }
const CONDITIONAL = { tool: 'get-sum', input: { a: 5000, b: 1 } }
/** Its rule asks for a scope that nobody is asked for when they first sign in (`registered.toml`). */
const SCOPED = { tool: 'get-annotated-message', input: { messageType: 'success' } }

/**
 * Has four conversations and notes them in `seen`. `converse()` runs the client's own command for one; `signIn()` signs in once more,
 * as a person does who was told to, and gives what the client said to that.
 */
export async function conversations(seen, { play }, { converse, signIn }) {
  const talk = async calls => {
    const { heard, listed } = play(calls)
    const traffic = await during(converse)
    calls.forEach(({ tool }, index) => console.log(`  model: ${tool} -> ${heard()[index]?.text}`))
    return { heard: heard(), listed: listed(), ...told(traffic) }
  }

  seen.logLengthBeforeRefusal = (await requests()).length
  const first = await talk([echo('hello'), UNLISTED, CONDITIONAL, echo('still here')])
  seen.logLengthAfterRefusal = (await requests()).length
  seen.tools = first.listed
  ;[seen.echo, seen.unlisted, seen.conditional, seen.echoAfterwards] = first.heard

  seen.scoped = await talk([SCOPED, echo('after the challenge'), SCOPED])
  seen.signInAgain = told(await during(signIn))
  seen.scopedAgain = await talk([SCOPED, SCOPED, echo('after signing in')])

  /** A sign-in that may fail. */
  const attempt = async () => {
    let said
    const traffic = await during(async () => {
      said = await signIn().catch(error => {
        if (error.printed === undefined) throw error
        return error.printed
      })
    })
    return { said, ...told(traffic) }
  }

  // In the middle of a conversation: the list of tools is older than the loss of the role.
  const loseRole = async () => {
    await takeRole(SIGN_IN_AS, 'User')
    await advance(TWO_HOURS)
  }
  try {
    seen.roleLost = await talk([echo('with the role'), { ...echo('without'), before: loseRole }, echo('still without')])
    // A lost role ends a sign-in with the broker, so the person does as the client says, and is to read why that is in vain.
    if (MODE === 'broker') seen.signInWithoutRole = await attempt()
  } finally {
    await giveRole(SIGN_IN_AS, 'User')
    // No token without the role is good any longer.
    await advance(TWO_HOURS)
  }
  if (MODE === 'broker') seen.signInWithRole = told(await during(signIn))
}

/** What the gateway and Entra were asked while `work` ran. */
async function during(work) {
  const [asked, log] = [noted().length, (await requests()).length]
  await work()
  return { gateway: noted().slice(asked), entra: (await requests()).slice(log) }
}

const noted = () => readFileSync(`${EVIDENCE}/requests.jsonl`, 'utf8').split('\n').filter(Boolean).map(line => JSON.parse(line))

/** As `status path` and `path`, and shown by number. */
function told({ gateway, entra }) {
  const answers = gateway.filter(({ path }) => path === '/mcp' || path.startsWith('/oauth/')).map(({ method, path, status }) => `${method} ${path} ${status}`)
  const atEntra = entra.map(({ path }) => path.split('/').at(-1)).filter(name => name === 'authorize' || name === 'token')
  console.log(`  gateway: ${counted(answers)}\n  Entra: ${counted(atEntra) || 'nothing'}\n`)
  return { answers, atEntra }
}

function counted(all) {
  const counts = new Map()
  for (const one of all) counts.set(one, (counts.get(one) ?? 0) + 1)
  return [...counts].map(([one, count]) => `${count} x ${one}`).join(', ')
}
