// What an administrator does in Entra before and while clients run: by the emulator's Microsoft Graph and its control plane.
import { createHash } from 'node:crypto'
import { control } from './emulator.mjs'

const PATIENCE_MS = 10_000
/** The API's registration, and the one of the clients in relay mode. */
const API = 'a0000000-0000-4000-8000-000000000001'
const CLIENTS = 'c0000000-0000-4000-8000-000000000003'

async function graph(appId, change) {
  const { token } = await control('tokens', { app: 'GRAPH', client: 'GRAPH_CLI', user: 'alice', scp: 'Application.ReadWrite.All' })
  const url = `${process.env.EMULATOR_URL}/v1.0/applications(appId='${appId}')`
  const ask = async (method, body) => {
    const headers = { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) }
    const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body), signal: AbortSignal.timeout(PATIENCE_MS) })
    if (!answer.ok) throw new Error(`Graph: ${method} of ${appId} answered ${answer.status}: ${await answer.text()}`)
    return method === 'GET' ? answer.json() : undefined
  }
  await ask('PATCH', change(await ask('GET')))
}

/** Gives the API the scope that a rule asks for. */
export const addScope = () =>
  graph(API, ({ api }) => ({ api: { oauth2PermissionScopes: [...api.oauth2PermissionScopes, WRITE] } }))

/**
 * Registers the callback that Codex has for this server where no `iss` is promised, so in relay mode: the id at its end can be
 * computed (docs/clients.md).
 */
export function registerCodexCallback(mcpUrl) {
  const id = createHash('sha256').update(mcpUrl).digest().subarray(0, 9).toString('base64url')
  const uri = `http://127.0.0.1/callback/${id}`
  return graph(CLIENTS, ({ publicClient }) => ({ publicClient: { redirectUris: [...publicClient.redirectUris, uri] } }))
}

// Nobody has it before they are asked for it and agree.
const WRITE = {
  id: 'b0000000-0000-4000-8000-0000000000aa',
  value: 'write',
  type: 'User',
  isEnabled: true,
  adminConsentDisplayName: 'Write',
  adminConsentDescription: 'Write in the name of the person who signed in.',
  userConsentDisplayName: 'Write',
  userConsentDescription: 'Write in your name.',
}

/** Takes a role from a user, and gives it back. */
export const takeRole = (user, role) => control('apps/API/unassign', { principal: user, role })
export const giveRole = (user, role) => control('apps/API/assign', { principal: user, role })
