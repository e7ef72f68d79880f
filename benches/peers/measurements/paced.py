"""Events that come one at a time: 64 streams with one each 10 ms, spread evenly. CPU per event."""

from watch import quietly, watched

STREAMS, EVERY_US = 64, 10_000

name = "paced"


def applies(peer):
    return peer.relays_streams


def measure(peer, ground, seconds):
    events = int(seconds * 1e6 / EVERY_US)

    def once():
        found = watched(ground, peer, "events", peer.port, peer.tokens, STREAMS, events, EVERY_US)
        return {
            "events_a_second": found["events"] / found["seconds"],
            "cpu_us": found["proxy_seconds"] / found["events"] * 1e6,
            "kernel_us": found["kernel_seconds"] / found["events"] * 1e6,
            "others": found["others"],
            "stolen": found["stolen"],
        }

    return quietly(once)
