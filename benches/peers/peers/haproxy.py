"""HAProxy with `jwt_verify`: algorithm and signature of every token, the cheapest check that its language can say.

A configuration for production also reads issuer, audience and expiry (`jwt_payload_query`), each of which costs more.
"""

import shutil

from peers.peer import Peer

CONFIGURATION = """
global
    nbthread 1
    maxconn 8000
defaults
    mode http
    timeout connect 10s
    timeout client 1h
    timeout server 1h
    # Without these, a stream whose caller has gone stays open until the server speaks.
    timeout client-fin 1s
    option abortonclose
    http-reuse always
frontend mcp
    bind 127.0.0.1:{port} backlog 4096
    http-request set-var(txn.bearer) http_auth_bearer
    http-request deny deny_status 401 unless {{ var(txn.bearer),jwt_header_query('$.alg') -m str RS256 }}
    http-request deny deny_status 401 unless {{ var(txn.bearer),jwt_verify("RS256","{key}") -m int 1 }}
    http-request deny deny_status 404 unless {{ path /mcp }}
    default_backend mcp
backend mcp
    server upstream 127.0.0.1:{upstream} maxconn 8000
"""


class Haproxy(Peer):
    key, title = "haproxy", "HAProxy `jwt_verify`"

    def prepare(self):
        ground = self.ground
        text = CONFIGURATION.format(port=self.port, key=ground.public_key, upstream=ground.upstream_port)
        self.configuration = self.write("haproxy.cfg", text)

    def command(self):
        return [self.binary(), "-db", "-f", self.configuration]

    def binary(self):
        return shutil.which("haproxy")
