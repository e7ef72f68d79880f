"""Resident memory with more and more open streams: a line, not a curve."""

from lines import table
from measurements.streams import held
from peers.entragate import Relay
from proc import resident_kib

TITLE = "Streams"
COUNTS = (500, 1000, 2000, 4000)


def measure(ground):
    rows = []
    for count in COUNTS:
        peer = Relay(ground)
        peer.start()
        peer.warm()
        empty = resident_kib(peer.pids())
        kib = held(peer, ground, count)
        after = resident_kib(peer.pids())
        rows.append([str(count), f"{kib / 1024:.1f}", f"{(kib - empty) / count:.1f}", f"{after / 1024:.1f}"])
        peer.stop()
    return table(["open streams", "resident, MiB", "KiB for each", "after they have gone, MiB"], rows)
