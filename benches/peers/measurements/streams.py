"""2,000 open event streams in a process that has only just started: memory for each, and what calls cost once they are gone."""

import json
import os
import subprocess
import time

from measurements.calls import per_request
from proc import resident_kib
from watch import Invalid, quietly, watched

CONNECTIONS = 64
REST = 1.0
PATIENCE = 20  # seconds in which the upstream must notice that the callers have gone

name = "streams"


def applies(peer):
    return peer.relays_streams and peer.key != "direct"


def held(peer, ground, count):
    """Resident KiB while so many streams are open."""
    command = [ground.binaries["load"], "hold", str(peer.port), str(peer.tokens), str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holding:
        opened = json.loads(holding.stdout.readline() or '{"open":0}')
        time.sleep(REST)
        kib = resident_kib(peer.pids())
        at_upstream = ground.arrived()["streams"]
        holding.stdin.close()
        holding.wait()
    deadline = time.monotonic() + PATIENCE
    while (left := ground.arrived()["streams"]) and time.monotonic() < deadline:
        time.sleep(0.1)
    if left:
        peer.stop()  # the next one finds none
        peer.start()
    if left or opened["open"] != count or at_upstream != count or holding.returncode != 0:
        numbers = f"{opened['open']} of {count} streams, {at_upstream} at the upstream, of which {left} outlived their callers"
        raise Invalid(numbers)
    return kib


def measure(peer, ground, seconds):
    count = int(os.environ.get("BENCH_STREAMS", "2000"))
    calls = lambda: per_request(watched(ground, peer, "calls", peer.port, peer.tokens, CONNECTIONS, seconds))
    peer.stop()
    peer.start()
    peer.warm()
    before = quietly(calls)
    time.sleep(REST)
    empty = resident_kib(peer.pids())
    full = held(peer, ground, count)
    time.sleep(REST)
    after = quietly(calls)
    return {
        "kib_a_stream": (full - empty) / count,
        "cpu_us_before": before["cpu_us"],
        "cpu_us_after": after["cpu_us"],
        "empty_kib": empty,
        "after_kib": resident_kib(peer.pids()),
        "others": max(before["others"], after["others"]),
        "stolen": max(before["stolen"], after["stolen"]),
        "attempts": max(before["attempts"], after["attempts"]),
        "problem": before["problem"] or after["problem"],
    }
