// The TypeScript SDK, 1.x: the client inside most Node.js hosts, opencode and older Inspectors.
import '../lib/recorder.mjs'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { oauthProvider } from '../lib/oauth-provider.mjs'
import { session } from '../lib/session.mjs'
import { versionOf } from '../lib/versions.mjs'

await session(versionOf('@modelcontextprotocol/sdk'), async () => {
  const authProvider = await oauthProvider('TypeScript SDK 1')
  const transport = () => new StreamableHTTPClientTransport(new URL(process.env.MCP_URL), { authProvider })
  const client = () => new Client({ name: 'typescript-sdk-1', version: '1.0.0' })

  const first = transport()
  await client().connect(first).then(
    () => { throw new Error('connected without signing in') },
    error => { if (!(error instanceof UnauthorizedError)) throw error },
  )
  await first.finishAuth((await authProvider.callback()).get('code'))

  const signedIn = client()
  await signedIn.connect(transport())
  return {
    listTools: async () => (await signedIn.listTools()).tools.map(tool => tool.name),
    callTool: (name, args) => signedIn.callTool({ name, arguments: args }),
    close: () => signedIn.close(),
  }
})
