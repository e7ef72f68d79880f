// mcp-remote as a desktop host starts it: a child that speaks MCP over stdio and signs in by itself.
import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { session } from '../lib/session.mjs'
import { versionOf } from '../lib/versions.mjs'

const here = path => fileURLToPath(new URL(path, import.meta.url))

await session(versionOf('mcp-remote'), async () => {
  const client = new Client({ name: 'a desktop host', version: '1.0.0' })
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: ['--import', here('../lib/recorder.mjs'), here('../node_modules/mcp-remote/dist/proxy.js'), process.env.MCP_URL],
    env: process.env,
    stderr: 'inherit',
  })
  await client.connect(transport)
  return {
    listTools: async () => (await client.listTools()).tools.map(tool => tool.name),
    callTool: (name, args) => client.callTool({ name, arguments: args }),
    close: () => client.close(),
  }
})
