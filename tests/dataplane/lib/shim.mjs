// A proxy that adds a token, for programs that have no way to send one: everything else goes on as it came, both ways.
import { createServer, request } from 'node:http'
import { once } from 'node:events'

/** Names of the shim, by any of which a program may call it. */
const names = port => [`localhost:${port}`, `127.0.0.1:${port}`]

/** Starts it in front of `target`; the URL to use instead, and what closes it. */
export async function shim(target, token) {
  const gateway = new URL(target)
  const server = createServer({ keepAliveTimeout: 60_000 }, (incoming, outgoing) => {
    const headers = [...incoming.rawHeaders]
    for (let at = 0; at < headers.length; at += 2) {
      // Called by its own name, the shim stands for the gateway; any other name is for the gateway to judge.
      if (headers[at].toLowerCase() === 'host' && names(server.address().port).includes(headers[at + 1])) headers[at + 1] = gateway.host
    }
    headers.push('Authorization', `Bearer ${token}`)
    const onward = request({ host: '127.0.0.1', port: gateway.port, method: incoming.method, path: incoming.url, headers, setHost: false }, answer => {
      outgoing.writeHead(answer.statusCode, answer.statusMessage, answer.rawHeaders)
      outgoing.flushHeaders()
      answer.pipe(outgoing)
      answer.once('error', () => outgoing.destroy())
    })
    onward.once('error', () => outgoing.destroy())
    // Whoever leaves, leaves on both sides.
    outgoing.once('close', () => onward.destroy())
    incoming.pipe(onward)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://localhost:${server.address().port}${gateway.pathname}`, close }
}
