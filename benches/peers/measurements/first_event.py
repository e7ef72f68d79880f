"""One caller, one call after another, each answered by an event stream: until its first event is there."""

from watch import quietly, watched

COUNT = 1000  # for each second

name = "first-event"


def applies(peer):
    return peer.relays_streams


def measure(peer, ground, seconds):
    def once():
        found = watched(ground, peer, "first", peer.port, peer.tokens, int(COUNT * seconds))
        return {key: found[key] for key in ("p50_us", "p99_us", "others", "stolen")}

    return quietly(once)
