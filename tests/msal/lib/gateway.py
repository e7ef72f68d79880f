"""A gateway in front of an MCP server that keeps what it is told of its callers; both run on this machine."""

import json
import os
import socket
import subprocess
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import requests
from entra import API, DESKTOP, EMULATOR, TENANT


class Server(BaseHTTPRequestHandler):
    """Answers every call, and remembers the headers of the last one."""

    seen = None

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        Server.seen = dict(self.headers)
        body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": {}}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Gateway:
    """`entragate serve` in relay mode, as a context."""

    def __init__(self, **settings):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://localhost:{port}"
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "SSL_CERT_FILE")},
            "AZURE_AUTHORITY_HOST": EMULATOR,
            "AZURE_TENANT_ID": TENANT,
            "AZURE_CLIENT_ID": API,
            "AZURE_MCP_CLIENT_ID": DESKTOP,
            "BASE_URL": self.url,
            "ENTRAGATE_LISTEN": f"127.0.0.1:{port}",
            "ENTRAGATE_UPSTREAM": f"http://127.0.0.1:{self.server.server_port}/mcp",
            **settings,
        }

    def __enter__(self):
        Thread(target=self.server.serve_forever, daemon=True).start()
        self.process = subprocess.Popen([os.environ["ENTRAGATE_BIN"], "serve"], env=self.environment, stderr=subprocess.PIPE)
        for _ in range(200):
            try:
                requests.get(f"{self.url}/oauth/jwks", timeout=5)
                return self
            except requests.ConnectionError:
                time.sleep(0.05)
        self.process.kill()
        raise RuntimeError(self.process.stderr.read().decode())

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.server.shutdown()

    def seen(self, token):
        """The headers that reach the MCP server with a call of this token's bearer."""
        Server.seen = None
        call = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        headers = {"authorization": f"Bearer {token}", "accept": "application/json, text/event-stream"}
        answer = requests.post(f"{self.url}/mcp", json=call, headers=headers, timeout=30)
        assert answer.ok, answer.text
        return Server.seen
