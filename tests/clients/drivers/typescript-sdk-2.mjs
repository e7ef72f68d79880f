// The TypeScript SDK, 2.x: the client inside Claude Code and the Inspector, and the strictest of the common ones. It
// checks the issuer of the metadata and of the callback, and tries `server/discover` (2026-07-28) first.
import '../lib/recorder.mjs'
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client'
import { oauthProvider } from '../lib/oauth-provider.mjs'
import { session } from '../lib/session.mjs'
import { versionOf } from '../lib/versions.mjs'

await session(versionOf('@modelcontextprotocol/client'), async () => {
  const authProvider = await oauthProvider('TypeScript SDK 2')
  const transport = () => new StreamableHTTPClientTransport(new URL(process.env.MCP_URL), { authProvider })
  const client = () => new Client({ name: 'typescript-sdk-2', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } })

  const first = transport()
  await client().connect(first).then(
    () => { throw new Error('connected without signing in') },
    error => { if (!UnauthorizedError.isInstance(error)) throw error },
  )
  await first.finishAuth(await authProvider.callback())

  const signedIn = client()
  await signedIn.connect(transport())
  return {
    listTools: async () => (await signedIn.listTools()).tools.map(tool => tool.name),
    callTool: (name, args) => signedIn.callTool({ name, arguments: args }),
    close: () => signedIn.close(),
  }
})
