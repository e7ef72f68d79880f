"""What the gateway does all day, done once for its profile. Started by build.sh.

    python3 train.py DIRECTORY entragate=PATH load=PATH upstream=PATH        the gateway writes its profiles into the directory

Calls and streams in both modes, new tokens, refusals, and the sign-ins of broker mode. The profile of a start is named so.
"""

import sys
from pathlib import Path

sys.path.insert(1, str(Path(__file__).parents[1] / "benches" / "peers"))

from ground import Ground
from measurements import streams
from peers.entragate import Broker, Relay

NEW_TOKENS = 3000
REFUSALS = 200
STREAMS = 200


class Watched:
    """A peer that writes a profile when it ends; what it stands on does not."""

    profile = ""

    def environment(self):
        return super().environment() | {"LLVM_PROFILE_FILE": self.profile}


class WatchedRelay(Watched, Relay):
    pass


class WatchedBroker(Watched, Broker):
    pass


def train(peer, ground, directory):
    peer.profile = f"{directory}/sign-in-%p.profraw"
    peer.sign_in()
    peer.profile = f"{directory}/start-%p.profraw"
    peer.start()
    peer.stop()
    peer.profile = f"{directory}/calls-%p.profraw"
    peer.start()
    for connections in (1, 64, 256):
        ground.load("calls", peer.port, peer.tokens, connections, 1.5)
    if peer.key == "relay":
        ground.load("calls", peer.port, ground.cold_tokens, 64, 60, NEW_TOKENS)
    ground.load("first", peer.port, peer.tokens, 2000)
    ground.load("events", peer.port, peer.tokens, 8, 100_000, 0)
    ground.load("events", peer.port, peer.tokens, 64, 100, 10_000)
    streams.held(peer, ground, STREAMS)
    token = peer.tokens.read_text().split("\n", 1)[0]
    for who, tool in ((token, "delete_documents"), (None, "search_documents"), (token[:-9], "search_documents")):
        for _ in range(REFUSALS):
            peer.call(who, tool)
    if problems := peer.prove():
        raise RuntimeError(problems)


def main():
    directory, *binaries = sys.argv[1:]
    ground = Ground(dict(argument.split("=", 1) for argument in binaries), NEW_TOKENS)
    try:
        for kind in (WatchedRelay, WatchedBroker):
            peer = kind(ground)
            try:
                train(peer, ground, directory)
            finally:
                peer.stop()
    finally:
        ground.close()


main()
