"""Events as fast as the peer takes them, in eight streams."""

from watch import quietly, watched

STREAMS = 8
EVENTS = 50_000  # in each stream for each second

name = "flood"


def applies(peer):
    return peer.relays_streams


def measure(peer, ground, seconds):
    def once():
        found = watched(ground, peer, "events", peer.port, peer.tokens, STREAMS, int(EVENTS * seconds), 0)
        return {
            "events_a_second": found["events"] / found["seconds"],
            "cpu_us": found["proxy_seconds"] / found["events"] * 1e6,
            "load_core": (found["upstream_seconds"] + found["load_seconds"]) / found["seconds"],
            "others": found["others"],
            "stolen": found["stolen"],
        }

    return quietly(once)
