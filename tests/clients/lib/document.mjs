// A client ID metadata document at an https URL of this machine: clients demand https, and the gateway reads loopback
// addresses when it is on loopback itself.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { once } from 'node:events'

const PATH = '/client.json'

/** Serves the document: `{ url, certificate }`, and the file with the certificate to trust. */
export async function serveDocument(folder) {
  const certificate = `${folder}/document-certificate.pem`
  const key = `${folder}/document-key.pem`
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost',
    '-addext', 'subjectAltName=DNS:localhost', '-addext', 'basicConstraints=critical,CA:FALSE', '-keyout', key, '-out', certificate], { stdio: 'ignore' })
  const server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `https://localhost:${server.address().port}${PATH}`
  const document = JSON.stringify({
    client_id: url,
    client_name: 'A client with a document',
    // Any port: a native client takes the one it gets (RFC 8252).
    redirect_uris: ['http://localhost/callback', 'http://127.0.0.1/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  })
  server.on('request', (request, response) => {
    const isIt = request.url === PATH && request.method === 'GET'
    response.writeHead(isIt ? 200 : 404, { 'content-type': 'application/json', 'cache-control': 'max-age=300' })
    response.end(isIt ? document : '{}')
  })
  server.unref()
  return { url, certificate }
}
