"""A cold start to the first 200 on an authenticated call, memory before any other call, and the program's size."""

import os
import time

from proc import resident_kib
from watch import Stretch, quietly

REST = 1.0

name = "start"


def applies(peer):
    return peer.key != "direct"


def measure(peer, ground, seconds):
    def once():
        peer.stop()
        time.sleep(REST)  # the emulator and the last peer are at rest
        stretch = Stretch(ground, peer)
        started = peer.start()
        time.sleep(REST)
        found, binary = stretch.end(), peer.binary()
        return {
            "start_ms": started * 1e3,
            "idle_kib": resident_kib(peer.pids()),
            "binary_bytes": os.path.getsize(os.path.realpath(binary)) if binary else None,
            "others": found["others"],
            "stolen": found["stolen"],
        }

    found = quietly(once)
    peer.warm()
    return found
