// The part of OAuth that both TypeScript SDKs leave to the application: keep what they were given in memory, show the
// authorize URL to the browser, listen for the callback.
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { signIn } from '../browser.mjs'

/** A provider whose callback listens on a free port of localhost. */
export async function oauthProvider(clientName) {
  const server = createServer()
  server.listen(0, 'localhost')
  await once(server, 'listening')
  const redirectUrl = `http://localhost:${server.address().port}/callback`
  const state = randomUUID()
  const kept = {}

  const arrival = new Promise((resolve, reject) => {
    server.on('request', (request, response) => {
      response.end('Signed in. You may close this window.')
      const parameters = new URL(request.url, redirectUrl).searchParams
      if (parameters.get('state') !== state) reject(new Error('the callback has another state'))
      else if (parameters.has('error')) reject(new Error(`${parameters.get('error')}: ${parameters.get('error_description')}`))
      else resolve(parameters)
    })
  })
  arrival.catch(() => {}) // whoever awaits it will know

  return {
    redirectUrl,
    // The URL of a client ID metadata document, where the run has one.
    clientMetadataUrl: process.env.CLIENT_METADATA_URL,
    clientMetadata: {
      client_name: clientName,
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    state: () => state,
    clientInformation: () => kept.client,
    saveClientInformation: client => void (kept.client = client),
    tokens: () => kept.tokens,
    saveTokens: tokens => void (kept.tokens = tokens),
    codeVerifier: () => kept.verifier,
    saveCodeVerifier: verifier => void (kept.verifier = verifier),
    redirectToAuthorization: url => signIn(url.href),

    /** The parameters with which the browser came back. */
    async callback() {
      const parameters = await arrival
      server.close()
      return parameters
    },
  }
}
