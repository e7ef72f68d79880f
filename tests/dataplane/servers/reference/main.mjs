// Serves the reference server over HTTP on $PORT, to clients of both kinds: those that keep sessions, up to revision
// 2025-11-25, with events that can be asked for again, and those of 2026-07-28.
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { createMcpHandler, isLegacyRequest } from '@modelcontextprotocol/server'
import { NodeStreamableHTTPServerTransport, localhostHostValidation, localhostOriginValidation, toNodeHandler, toWebRequest } from '@modelcontextprotocol/node'
import { reference } from './server.mjs'

const RETRY_MS = 500
const isLocalHost = localhostHostValidation()
const isLocalOrigin = localhostOriginValidation()
const current = createMcpHandler(() => reference(() => current.notify), { legacy: 'reject' })
const serveCurrent = toNodeHandler(current)
const sessions = new Map()

/** Keeps events, so that a client can ask for what it missed. */
function memory() {
  const events = []
  return {
    storeEvent: async (streamId, message) => `${streamId}_${events.push({ streamId, message })}`,
    replayEventsAfter: async (lastEventId, { send }) => {
      const [, streamId, number] = /^(.*)_(\d+)$/.exec(lastEventId)
      for (let at = Number(number); at < events.length; at++) {
        const { streamId: of, message } = events[at]
        if (of === streamId && Object.keys(message).length) await send(`${streamId}_${at + 1}`, message)
      }
      return streamId
    },
  }
}

async function open() {
  const transport = new NodeStreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    eventStore: memory(),
    retryInterval: RETRY_MS,
    onsessioninitialized: id => { sessions.set(id, transport) },
    onsessionclosed: id => { sessions.delete(id) },
  })
  const server = reference(() => ({ toolsChanged: () => server.sendToolListChanged(), promptsChanged: () => server.sendPromptListChanged() }))
  await server.connect(transport)
  return transport
}

async function body(request) {
  const parts = []
  for await (const part of request) parts.push(part)
  const text = Buffer.concat(parts).toString()
  try {
    return text ? JSON.parse(text) : undefined
  } catch {
    return text
  }
}

async function serve(request, response) {
  if (!isLocalHost(request, response) || !isLocalOrigin(request, response)) return
  if (new URL(request.url, 'http://localhost').pathname !== '/mcp') return response.writeHead(404).end()
  const message = request.method === 'POST' ? await body(request) : undefined
  if (!(await isLegacyRequest(await toWebRequest(request, message), message))) return serveCurrent(request, response, message)
  const session = request.headers['mcp-session-id']
  const transport = session ? sessions.get(session) : await open()
  if (!transport) return response.writeHead(404, { 'content-type': 'application/json' }).end('{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}')
  await transport.handleRequest(request, response, message)
}

createServer((request, response) => {
  serve(request, response).catch(error => {
    console.error(error)
    response.headersSent ? response.destroy() : response.writeHead(500).end()
  })
}).listen(Number(process.env.PORT), '127.0.0.1', () => console.log('ready'))
