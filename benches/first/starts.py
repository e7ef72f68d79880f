"""Cold starts of the gateway, from before the process exists; one JSON line for each. Started by run.sh.

    python3 starts.py BINARY CPU TOKENS_FILE COUNT        the environment is the gateway's
"""

import json
import os
import socket
import subprocess
import sys
import time

LIMIT = 20
BODY = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search_documents","arguments":{}}}'


def document(host):
    path = "/.well-known/oauth-protected-resource/mcp"
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"


def call(host, token):
    return (
        f"POST /mcp HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
        f"Content-Length: {len(BODY)}\r\n\r\n{BODY}"
    )


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def first_ok(port, request, deadline):
    """Asks until the answer is 200; connections that are refused are tried again at once."""
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                connection.sendall(request.encode())
                if connection.recv(64).startswith(b"HTTP/1.1 200 "):
                    return time.monotonic()
        except OSError:
            pass
        time.sleep(0.0001)
    sys.exit("the gateway did not answer 200 in time")


def start(binary, cpu, token):
    port = free_port()
    host = f"127.0.0.1:{port}"
    environment = dict(os.environ, ENTRAGATE_LISTEN=host, BASE_URL=f"http://{host}")
    began = time.monotonic()
    gateway = subprocess.Popen([binary, "serve"], env=environment, stderr=subprocess.DEVNULL,
                               preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))
    try:
        read = first_ok(port, document(host), began + LIMIT)
        called = first_ok(port, call(host, token), began + LIMIT)
    finally:
        gateway.terminate()
        gateway.wait(timeout=LIMIT)
    return {"document_ms": (read - began) * 1e3, "call_ms": (called - began) * 1e3}


def main():
    binary, cpu, tokens, count = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    with open(tokens, encoding="ascii") as file:
        token = file.readline().strip()
    start(binary, cpu, token)  # the file comes from the disk only once
    for _ in range(count):
        print(json.dumps({"start": start(binary, cpu, token)}), flush=True)


main()
