"""A cold start to the first 200 on an authenticated call, memory before any other call, and the program's size."""

import os
import time

from proc import resident_kib

REST = 1.0


def applies(peer):
    return peer.key != "direct"


def measure(peer, ground, seconds):
    peer.stop()
    time.sleep(REST)  # the emulator and the last peer are at rest
    started = peer.start()
    time.sleep(REST)
    binary = peer.binary()
    yield {
        "name": "start",
        "start_ms": started * 1e3,
        "idle_kib": resident_kib(peer.pids()),
        "binary_bytes": os.path.getsize(os.path.realpath(binary)) if binary else None,
    }
    peer.warm()
