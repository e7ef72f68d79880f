"""Envoy with `jwt_authn`, which checks signature, issuer, audience and times, with and without its cache of tokens."""

import json

from peers.peer import Peer

NO_LIMIT = 100000
TYPES = "type.googleapis.com/envoy.extensions"


class Envoy(Peer):
    key, title = "envoy", "Envoy `jwt_authn`"
    cache = {}

    def prepare(self):
        self.configuration = self.write("envoy.json", json.dumps(self.settings()))

    def settings(self):
        manager = {
            "@type": f"{TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "mcp",
            "stream_idle_timeout": "0s",
            "http_filters": [
                {"name": "envoy.filters.http.jwt_authn", "typed_config": self.authentication()},
                {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{TYPES}.filters.http.router.v3.Router"}},
            ],
            "route_config": {
                "virtual_hosts": [{
                    "name": "mcp",
                    "domains": ["*"],
                    "routes": [{"match": {"path": "/mcp"}, "route": {"cluster": "mcp", "timeout": "0s"}}],
                }]
            },
        }
        listener = {
            "address": self.address(self.port),
            "tcp_backlog_size": 4096,
            "filter_chains": [{
                "filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
            }],
        }
        cluster = {
            "name": "mcp",
            "type": "STATIC",
            "connect_timeout": "60s",
            "load_assignment": {
                "cluster_name": "mcp",
                "endpoints": [{"lb_endpoints": [{"endpoint": {"address": self.address(self.ground.upstream_port)}}]}],
            },
            # The default of 1,024 each would refuse the 2,000 streams.
            "circuit_breakers": {
                "thresholds": [{"max_connections": NO_LIMIT, "max_pending_requests": NO_LIMIT, "max_requests": NO_LIMIT}]
            },
        }
        return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}

    def authentication(self):
        provider = {
            "issuer": self.ground.issuer,
            "audiences": [self.ground.audience],
            "local_jwks": {"inline_string": json.dumps(self.ground.key_set)},
        }
        return {
            "@type": f"{TYPES}.filters.http.jwt_authn.v3.JwtAuthentication",
            "providers": {"entra": provider | self.cache},
            "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "entra"}}],
        }

    @staticmethod
    def address(port):
        return {"socket_address": {"address": "127.0.0.1", "port_value": port}}

    def command(self):
        level = ["--log-level", "warning", "--disable-hot-restart"]
        return [self.binary(), "-c", self.configuration, "--concurrency", "1", *level]

    def binary(self):
        return self.ground.binaries["envoy"]


class CachingEnvoy(Envoy):
    key, title = "envoy-cache", "Envoy `jwt_authn`, with its cache"
    cache = {"jwt_cache_config": {"jwt_cache_size": 1000}}
