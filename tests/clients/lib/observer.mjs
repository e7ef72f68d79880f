// Notes every request of a client that is a program of its own, in $EVIDENCE/requests.jsonl, with 0 for those that got no answer: a plain HTTP
// proxy, which the client is told of by HTTP_PROXY. Nothing but plain HTTP to this machine passes, so the client talks to nobody else.
import { appendFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { once } from 'node:events'

const HERE = ['127.0.0.1', 'localhost']

/** Starts it and puts it into the environment that children get. */
export async function observe() {
  const proxy = createServer(pass)
  // Tunnels (https) are refused; the client sees an error of its proxy.
  proxy.on('connect', ({ url }, socket) => {
    note({ method: 'CONNECT', origin: `https://${url}`, path: '', status: 403 })
    socket.on('error', () => {})
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  proxy.unref()
  const url = `http://127.0.0.1:${proxy.address().port}`
  for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy']) process.env[name] = url
}

function pass(asked, answer) {
  const { origin, hostname, pathname: path } = new URL(asked.url)
  const { method, headers, url } = asked
  if (!HERE.includes(hostname)) {
    note({ method, origin, path, status: 403 })
    return answer.writeHead(403).end()
  }
  let status = 0 // as long as nothing has answered
  const onward = request(url, { method, headers }, got => {
    status = got.statusCode
    note({ method, origin, path, status })
    answer.writeHead(got.statusCode, got.rawHeaders)
    got.pipe(answer)
  })
  onward.on('error', () => answer.destroy())
  answer.on('close', () => {
    if (status === 0) note({ method, origin, path, status })
    onward.destroy()
  })
  asked.pipe(onward)
}

const note = entry => appendFileSync(`${process.env.EVIDENCE}/requests.jsonl`, `${JSON.stringify(entry)}\n`)
