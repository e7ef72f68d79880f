// The scripted browser: follows an authorize URL over the sign-in page to the client's own callback.
//
//   node browser.mjs URL      signs in as $SIGN_IN_AS; writes where it has been to $EVIDENCE/browser.jsonl
//
// It reads the page as a person would: finds the form, presses the button that names the user. From a page with nothing to press it
// goes on by the link to the client, if there is one, and keeps what it has read.
import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const MOST_HOPS = 10
const PATIENCE_MS = 10_000

// What to press, by the name of the button; the first one that the page has.
const ANSWERS = user => [
  ['decision', 'approve'], // the gateway's consent page, in broker mode
  ['__emulator_user', user],
  ['__emulator_consent', 'accept'],
  ['__emulator_mfa', 'approve'],
]

/** Visits `start` and does what the pages ask for, until the callback that `start` names has answered. */
export async function visit(start, user, note = () => {}) {
  const callback = new URL(start).searchParams.get('redirect_uri')
  const cookies = new Map()
  let next = { url: new URL(start), method: 'GET', body: undefined }
  for (let hop = 0; hop < MOST_HOPS; hop++) {
    const isCallback = isSamePage(next.url, callback)
    const response = await send(next, cookies, isCallback)
    const html = response.status < 300 || response.status >= 400 ? await response.text() : ''
    note({ method: next.method, url: next.url.href, status: response.status, title: title(html), isCallback })
    if (isCallback) {
      // An error may be answered with an error: the client was told all the same.
      const isRefused = next.url.searchParams.has('error')
      if (response.status >= 400 && !isRefused) throw new Error(`the client's callback answered ${response.status}`)
      return
    }
    const location = response.headers.get('location')
    if (location) {
      next = { url: new URL(location, next.url), method: 'GET', body: undefined }
    } else {
      const page = next.url
      next = press(html, page, user) ?? goBack(html, page, callback)
      if (!next) throw new Error(`nothing to press for ${user} on ${page.origin}${page.pathname}: ${plain(html).slice(0, 400)}`)
      note({ pressed: next.pressed, read: next.read })
    }
  }
  throw new Error(`no callback after ${MOST_HOPS} pages`)
}

function isSamePage(url, callback) {
  return callback !== null && url.origin + url.pathname === new URL(callback).origin + new URL(callback).pathname
}

async function send({ url, method, body }, cookies, isCallback) {
  const headers = { accept: 'text/html', 'user-agent': 'Mozilla/5.0 (scripted)' }
  const known = cookies.get(url.host)
  if (known && !isCallback) headers.cookie = [...known].map(([name, value]) => `${name}=${value}`).join('; ')
  const request = { method, body, headers, redirect: 'manual' }
  const giveUp = Date.now() + PATIENCE_MS
  for (;;) {
    try {
      const response = await fetch(url, { ...request, signal: AbortSignal.timeout(PATIENCE_MS) })
      for (const cookie of response.headers.getSetCookie()) {
        const [, name, value] = /^([^=;]+)=([^;]*)/.exec(cookie) ?? []
        if (name) cookies.set(url.host, new Map(cookies.get(url.host)).set(name, value))
      }
      return response
    } catch (error) {
      // A client may start to listen only after it has opened the browser.
      if (!isCallback || error.cause?.code !== 'ECONNREFUSED' || Date.now() > giveUp) throw error
      await sleep(50)
    }
  }
}

/** The request that pressing the right button of the page makes, if there is one. */
function press(html, page, user) {
  for (const form of html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gis)) {
    const controls = [...form[2].matchAll(/<(input|button)\b([^>]*)>/gi)].map(control => attributes(control[2]))
    for (const [name, value] of ANSWERS(user)) {
      const button = controls.find(control => control.name === name && control.value === value && control.type !== 'hidden')
      if (!button) continue
      const fields = controls.filter(control => control.type === 'hidden' && control.name)
      const body = new URLSearchParams([...fields, button].map(field => [field.name, field.value ?? '']))
      const { action = '', method = 'get' } = attributes(form[1])
      const url = new URL(action, page)
      if (method.toLowerCase() === 'post') return { url, method: 'POST', body, pressed: `${name}=${value}` }
      url.search = body
      return { url, method: 'GET', body: undefined, pressed: `${name}=${value}` }
    }
  }
}

/** The request that the page's link to the client makes, if it has one, with what the page says. */
function goBack(html, page, callback) {
  for (const link of html.matchAll(/<a\b([^>]*)>(.*?)<\/a>/gis)) {
    const { href } = attributes(link[1])
    const url = href && new URL(href, page)
    if (url && isSamePage(url, callback)) return { url, method: 'GET', body: undefined, pressed: plain(link[2]), read: plain(html) }
  }
}

/** What of a page can be read. */
const plain = html => unescape(html.replace(/<style.*?<\/style>/gis, '').replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ').trim())

function attributes(text) {
  const found = {}
  for (const [, name, double, single, bare] of text.matchAll(/([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g)) {
    found[name.toLowerCase()] = unescape(double ?? single ?? bare ?? '')
  }
  return found
}

function unescape(text) {
  const named = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
  return text
    .replace(/&#x([0-9a-f]+);/gi, (_, code) => String.fromCodePoint(parseInt(code, 16)))
    .replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
    .replace(/&(amp|lt|gt|quot|apos);/g, (_, name) => named[name])
}

function title(html) {
  return unescape(/<title>([^<]*)<\/title>/i.exec(html)?.[1] ?? '').trim()
}

/** Visits `url` as the user of this run and leaves the evidence. */
export function signIn(url) {
  const note = entry => appendFileSync(`${process.env.EVIDENCE}/browser.jsonl`, `${JSON.stringify(entry)}\n`)
  return visit(url, process.env.SIGN_IN_AS, note)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await signIn(process.argv[2]).catch(error => {
    console.error(error)
    process.exit(1)
  })
}
