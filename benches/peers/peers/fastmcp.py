"""FastMCP's proxy with its JWT verifier: it reads each message and sends one of its own, so it relays no event streams."""

from peers.peer import Peer

PROGRAM = """
import asyncio, sys
from fastmcp.server import create_proxy
from fastmcp.server.auth.providers.jwt import JWTVerifier

key, issuer, audience = open({key!r}).read(), {issuer!r}, {audience!r}
verifier = JWTVerifier(public_key=key, issuer=issuer, audience=audience, algorithm="RS256")
proxy = create_proxy("http://127.0.0.1:{upstream}/mcp", name="bench", auth=verifier)
asyncio.run(proxy.run_http_async(
    show_banner=False, host="127.0.0.1", port={port}, path="/mcp", log_level="ERROR", stateless_http=True, json_response=True,
    uvicorn_config={{"access_log": False, "backlog": 4096}},
))
"""


class FastMcp(Peer):
    key, title = "fastmcp", "FastMCP's proxy, `JWTVerifier`"
    relays_streams = False

    def prepare(self):
        ground = self.ground
        text = PROGRAM.format(
            key=str(ground.public_key), issuer=ground.issuer, audience=ground.audience,
            upstream=ground.upstream_port, port=self.port,
        )
        self.program = self.write("proxy.py", text)

    def command(self):
        return [self.ground.binaries["python"], self.program]

    def environment(self):
        return {"FASTMCP_CHECK_FOR_UPDATES": "off", "PYTHONDONTWRITEBYTECODE": "1"}
