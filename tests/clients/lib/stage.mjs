// What the clients meet: the reference MCP server, and `entragate demo` (an emulated Entra ID and the gateway) before it.
import { existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { serveDocument } from './document.mjs'
import { freePort, start, until } from './processes.mjs'

/** This folder, with a slash at the end. */
export const HERE = fileURLToPath(new URL('..', import.meta.url))

// Only what a program needs: nothing of the caller's environment can decide a result or show up in `get-env`.
const BARE = { PATH: process.env.PATH, LANG: 'C.UTF-8' }
const START_MS = 20_000

/**
 * Starts everything on free ports: `{ state, demo, document }`, a folder for logs, what the ready file says, and in broker
 * mode the URL of a client ID metadata document, unless there are to be none.
 */
export async function setUp(mode, hasDocuments) {
  mkdirSync(`${HERE}.state`, { recursive: true })
  const state = mkdtempSync(`${HERE}.state/${mode}-`)
  const documents = mode === 'broker' && hasDocuments ? await serveDocument(state) : undefined
  const demo = await startDemo(state, await startUpstream(state), mode, documents, hasDocuments ? 'rules.toml' : 'registered.toml')
  process.env.EMULATOR_URL = demo.emulator_url
  return { state, demo, document: documents?.url }
}

async function startUpstream(state) {
  const port = await freePort()
  const logFile = `${state}/server-everything.log`
  const program = `${HERE}node_modules/@modelcontextprotocol/server-everything/dist/index.js`
  const child = start(process.execPath, [program, 'streamableHttp'], { env: { ...BARE, PORT: `${port}` }, logFile })
  const url = `http://127.0.0.1:${port}/mcp`
  const answers = () => fetch(url, { signal: AbortSignal.timeout(1000) }).then(() => true, () => false)
  await until(answers, { child, logFile, milliseconds: START_MS, what: 'server-everything' })
  return url
}

async function startDemo(state, upstream, mode, documents, config) {
  const logFile = `${state}/entragate.log`
  const readyFile = `${state}/ready.json`
  const args = ['demo', '--mode', mode, '--listen', '127.0.0.1:0', '--emulator', '127.0.0.1:0', '--upstream', upstream,
    '--config', `${HERE}${config}`, '--ready-file', readyFile]
  // The document's certificate is trusted as a company's own authority would be.
  const env = documents ? { ...BARE, SSL_CERT_FILE: documents.certificate } : BARE
  const child = start(process.env.ENTRAGATE_BIN, args, { env, logFile })
  const ready = () => parsed(readIfThere(readyFile))
  return until(ready, { child, logFile, milliseconds: START_MS, what: 'entragate demo' })
}

/** The environment of a client that signs in as `user`: an empty home, the scripted browser, where to leave evidence. */
export function clientEnvironment({ mode, demo, evidence, user, document }) {
  const home = `${evidence}/home`
  mkdirSync(home, { recursive: true })
  return {
    ...BARE,
    PATH: `${HERE}bin:${BARE.PATH}`,
    BROWSER: `${HERE}bin/xdg-open`,
    HOME: home,
    MCP_URL: demo.mcp_url,
    EMULATOR_URL: demo.emulator_url,
    SIGN_IN_AS: user,
    MODE: mode,
    ...(document && { CLIENT_METADATA_URL: document }),
    EVIDENCE: evidence,
  }
}

/** The text of a file; nothing when there is none. */
export const readIfThere = file => (existsSync(file) ? readFileSync(file, 'utf8') : '')

/** JSON, when it is whole. */
export function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
