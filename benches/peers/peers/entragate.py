"""Entragate: relay mode with Entra's tokens, broker mode with its own. One rule, identity headers on, warnings logged."""

import sealed
from ground import TENANT, TOKENS
from peers.peer import Peer
from process import Process, until


class Relay(Peer):
    key, title = "relay", "Entragate, relay mode (Entra's tokens)"
    is_judging = True

    def command(self):
        return [self.binary(), "serve"]

    def binary(self):
        return self.ground.binaries["entragate"]

    def environment(self):
        return {
            "AZURE_AUTHORITY_HOST": self.ground.emulator_url,
            "AZURE_TENANT_ID": TENANT,
            "AZURE_CLIENT_ID": "a0000000-0000-4000-8000-000000000001",
            "BASE_URL": f"http://localhost:{self.port}",
            "ENTRAGATE_LISTEN": f"127.0.0.1:{self.port}",
            "ENTRAGATE_UPSTREAM": f"http://127.0.0.1:{self.ground.upstream_port}/mcp",
            "ENTRAGATE_LOG_FILTER": "warn",
            "ENTRAGATE_RULES": '[{ tools = ["search_*"], roles = ["User"] }]',
        } | self.mode()

    def mode(self):
        return {"AZURE_MCP_CLIENT_ID": "c0000000-0000-4000-8000-000000000003"}


class Broker(Relay):
    key, title = "broker", "Entragate, broker mode (sealed tokens)"

    def mode(self):
        # Tokens outlive a restart, which the run makes many of.
        state = self.ground.work / "state"
        state.mkdir(mode=0o700, exist_ok=True)
        return {"AZURE_CLIENT_SECRET": "api-s3cret", "ENTRAGATE_STATE_DIRECTORY": str(state)}

    def sign_in(self):
        gateway = Process(self.command(), self.ground.load_cpu, self.ground.work / "sign-in.log", self.environment())
        try:
            until(lambda: self.call(None)[0] == 401, gateway, "the gateway")
            self.tokens = self.ground.write("sealed", sealed.mint(f"http://localhost:{self.port}", TOKENS))
        finally:
            gateway.stop()
