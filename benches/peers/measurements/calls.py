"""An authenticated `tools/call` in a closed loop, 64 tokens in turn: throughput, latency, CPU per request."""

from watch import quietly, watched

CONNECTIONS = (1, 64, 512)


def per_request(found):
    """What is reported of a loop of calls."""
    return {
        "rate": found["requests"] / found["seconds"],
        "p50_us": found["p50_us"],
        "p99_us": found["p99_us"],
        "cpu_us": found["proxy_seconds"] / found["requests"] * 1e6,
        "kernel_us": found["kernel_seconds"] / found["requests"] * 1e6,
        "upstream_us": found["upstream_seconds"] / found["requests"] * 1e6,
        "proxy_core": found["proxy_seconds"] / found["seconds"],
        "load_core": (found["upstream_seconds"] + found["load_seconds"]) / found["seconds"],
        "others": found["others"],
        "stolen": found["stolen"],
    }


class Calls:
    """With so many connections: a measurement of its own for each number, so that the peers follow each other closely."""

    def __init__(self, connections):
        self.name, self.connections = f"calls-{connections}", connections

    def applies(self, peer):
        return True

    def measure(self, peer, ground, seconds):
        once = lambda: per_request(watched(ground, peer, "calls", peer.port, peer.tokens, self.connections, seconds))
        return quietly(once)
