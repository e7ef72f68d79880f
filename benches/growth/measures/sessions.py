"""Resident memory while 10,000 sessions are opened and left open at the MCP server."""

import http.client
import json

from lines import table
from peers.entragate import Relay
from proc import resident_kib
from process import Process, free_ports, until

TITLE = "Sessions"
SESSIONS, STEP = 10_000, 2_000
INITIALIZE = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}},
}


class BeforeSample(Relay):
    """The relay before the sample server, which keeps sessions."""

    def prepare(self):
        self.sample_port = free_ports(1)[0]

    def environment(self):
        return super().environment() | {"ENTRAGATE_UPSTREAM": f"http://127.0.0.1:{self.sample_port}/mcp", "ENTRAGATE_RULES": "[]"}


def opened(peer, token):
    """A new session's id."""
    server = http.client.HTTPConnection("127.0.0.1", peer.port, timeout=30)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    server.request("POST", "/mcp", json.dumps(INITIALIZE), headers)
    answer = server.getresponse()
    text = answer.read()
    server.close()
    session = answer.getheader("Mcp-Session-Id")
    if answer.status != 200 or not session:
        raise RuntimeError(f"no session: {answer.status} {text[:400]}")
    return session


def measure(ground):
    peer = BeforeSample(ground)
    command = [peer.binary(), "sample", "--port", peer.sample_port]
    sample = Process(command, ground.load_cpu, ground.work / "sample.log")
    try:
        until(lambda: "MCP" in sample.log.read_text(), sample, "the sample server")
        tokens = peer.tokens.read_text().split()
        peer.process = Process(peer.command(), ground.proxy_cpu, ground.work / "sessions.log", peer.environment())
        until(lambda: peer.call(None)[0] == 401, peer.process, "the gateway")
        sessions = {opened(peer, tokens[n % len(tokens)]) for n in range(64)}
        rows = [[str(len(sessions)), f"{resident_kib(peer.pids()) / 1024:.1f}"]]
        for _ in range(0, SESSIONS, STEP):
            sessions |= {opened(peer, tokens[n % len(tokens)]) for n in range(STEP)}
            rows.append([str(len(sessions)), f"{resident_kib(peer.pids()) / 1024:.1f}"])
    finally:
        peer.stop()
        sample.stop()
    return table(["sessions", "resident, MiB"], rows)
