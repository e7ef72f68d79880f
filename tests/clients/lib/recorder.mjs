// Notes every HTTP request that this process makes, in $EVIDENCE/requests.jsonl. It listens to Node's own diagnostics,
// so the client under test is not changed. Imported by a driver, or given to a child with `node --import`.
import { appendFileSync } from 'node:fs'
import { subscribe } from 'node:diagnostics_channel'

subscribe('undici:request:headers', ({ request, response }) => {
  const { pathname } = new URL(request.path, request.origin)
  const entry = { method: request.method, origin: `${request.origin}`, path: pathname, status: response.statusCode }
  appendFileSync(`${process.env.EVIDENCE}/requests.jsonl`, `${JSON.stringify(entry)}\n`)
})
