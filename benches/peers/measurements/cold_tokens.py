"""Calls with tokens that nobody has seen before, each used once: what checking a signature costs where there is a cache."""

from measurements.calls import per_request
from watch import quietly, watched

CONNECTIONS = 64
PATIENCE = 60  # seconds in which the tokens must be used up

name = "cold-tokens"


def applies(peer):
    # HAProxy, too, which remembers no token: what is compared is measured one after the other.
    return peer.key in ("relay", "haproxy")


def measure(peer, ground, seconds):
    tokens = len(ground.cold_tokens.read_text().split())

    def once():
        peer.stop()  # with what it remembers
        peer.start()
        return per_request(watched(ground, peer, "calls", peer.port, ground.cold_tokens, CONNECTIONS, PATIENCE, tokens))

    return quietly(once)
