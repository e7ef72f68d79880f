"""What all peers have in common: a port for the whole run, a start, an end."""

import socket
import time

from proc import family
from process import PATIENCE, Process, free_ports

BODY = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"%s","arguments":{}}}'
WARM_UP = 0.5


class Peer:
    """One thread on one core."""

    key = title = ""
    is_checking = True  # refuses who has no good token
    is_judging = False  # has the tool rule
    relays_streams = True
    patience = PATIENCE  # seconds until the first 200

    def __init__(self, ground):
        self.ground = ground
        self.port = free_ports(1)[0]
        self.tokens = ground.tokens
        self.process = None
        self.prepare()

    def prepare(self):
        """Writes its configuration."""

    def sign_in(self):
        """Gets tokens of its own, where Entra's are not for it."""

    def command(self):
        raise NotImplementedError

    def environment(self):
        return {}

    def binary(self):
        """The program on disk, where it is one file."""
        return None

    def write(self, name, text):
        path = self.ground.work / f"{self.key}-{name}"
        path.write_text(text)
        return path

    def start(self):
        """Seconds from before the process exists to the first 200 on an authenticated call."""
        token = self.tokens.read_text().split("\n", 1)[0]
        began = time.monotonic()
        self.process = Process(self.command(), self.ground.proxy_cpu, self.ground.work / f"{self.key}.log", self.environment())
        while self.call(token)[0] != 200:
            self.process.check()
            if time.monotonic() > began + self.patience:
                raise RuntimeError(f"{self.key} did not answer 200: {self.call(token)}\n{self.process.log.read_text()[-2000:]}")
            time.sleep(0.0001)
        return time.monotonic() - began

    def warm(self):
        """Every token was seen, every connection made."""
        self.ground.load("calls", self.port, self.tokens, 64, WARM_UP)

    def stop(self):
        if self.process:
            self.process.stop()
            self.process = None

    def log(self):
        """What it has said since the first start."""
        return (self.ground.work / f"{self.key}.log").read_text(errors="replace")

    def pids(self):
        return family(self.process.pid) if self.process else []

    def call(self, token, tool="search_documents"):
        """Status and body of one call on a connection of its own; status 0 when there was none."""
        body = BODY % tool
        bearer = f"Authorization: Bearer {token}\r\n" if token else ""
        request = (
            f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nConnection: close\r\n{bearer}"
            "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
            f"MCP-Protocol-Version: 2025-11-25\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        )
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
                connection.sendall(request.encode())
                answer = b""
                while piece := connection.recv(65536):
                    answer += piece
            return int(answer.split(b" ", 2)[1]), answer.partition(b"\r\n\r\n")[2].decode()
        except (OSError, IndexError):
            return 0, ""

    def prove(self):
        """It refuses who has no token or a forged one, and what the rule does not allow."""
        token = self.tokens.read_text().split("\n", 1)[0]
        problems = []
        if (status := self.call(token)[0]) != 200:
            problems.append(f"a good token is answered with {status}")
        if self.is_checking:
            at = len(token) - 20
            forged = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
            for what, wrong in (("no token", None), ("a forged token", forged)):
                if (status := self.call(wrong)[0]) not in (401, 403):
                    problems.append(f"{what} is answered with {status}")
        if self.is_judging and '"isError":true' not in self.call(token, "delete_documents")[1]:
            problems.append("the rule refuses nothing")
        return [f"{self.key}: {problem}" for problem in problems]
