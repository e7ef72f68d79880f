"""Resident memory while 100,000 tokens are seen, each once: the cache of verified tokens has an end."""

from lines import table
from peers.entragate import Relay
from proc import resident_kib
from watch import watched

TITLE = "Tokens"
TOKENS, STEP = 100_000, 10_000
CONNECTIONS, PATIENCE = 64, 600


def measure(ground):
    peer = Relay(ground)
    peer.start()
    peer.warm()
    every = ground.cold_tokens.read_text().split()[:TOKENS]
    rows = [["64", f"{resident_kib(peer.pids()) / 1024:.1f}"]]
    for at in range(0, len(every), STEP):
        some = ground.write("some", every[at : at + STEP])
        watched(ground, peer, "calls", peer.port, some, CONNECTIONS, PATIENCE, STEP)
        rows.append([f"{at + STEP}", f"{resident_kib(peer.pids()) / 1024:.1f}"])
    peer.stop()
    return table(["tokens seen", "resident, MiB"], rows)
