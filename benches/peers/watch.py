"""One measurement of one peer: something is done, the CPU time of all is taken, and the result is checked."""

import os
import resource
import time

from proc import cpu_seconds, kernel_seconds, machine_seconds

SETTLE = 0.3  # until what the last load left behind has arrived
ATTEMPTS = 3


class Invalid(Exception):
    """What was found says nothing about the peer."""


def of_load():
    """CPU seconds of this process and of the loads that it has run."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


class Stretch:
    """The CPU seconds of everybody from now on."""

    def __init__(self, ground, peer):
        self.ground, self.peer = ground, peer
        self.before = self.take(peer.pids())

    def take(self, proxies):
        mine = [self.ground.upstream.pid], [self.ground.emulator.pid]
        proxy = cpu_seconds(proxies), kernel_seconds(proxies)
        return (*proxy, *map(cpu_seconds, mine), of_load(), *machine_seconds(), time.monotonic())

    def end(self):
        after = self.take(self.peer.pids())
        proxy, kernel, upstream, emulator, load, busy, stolen, elapsed = (
            new - old for old, new in zip(self.before, after)
        )
        return {
            "proxy_seconds": proxy,
            "kernel_seconds": kernel,
            "upstream_seconds": upstream,
            "load_seconds": load,
            # In shares of one core. /proc/stat counts in steps of 10 ms, so a little below zero is nothing.
            "others": max(0.0, (busy - proxy - upstream - emulator - load) / elapsed),
            "stolen": stolen / elapsed,
        }


def watched(ground, peer, *arguments):
    """Runs the load with `arguments`: its result, and who took how much CPU time."""
    time.sleep(SETTLE)
    arrived, stretch = ground.arrived(), Stretch(ground, peer)
    found = ground.load(*arguments)
    time.sleep(SETTLE)
    found |= stretch.end()
    calls, events = (ground.arrived()[what] - arrived[what] for what in ("calls", "events"))
    if found["errors"] or calls != found["requests"]:
        numbers = f"{found['errors']} failures, {found['requests']} answers, {calls} calls at the upstream"
        raise Invalid(f"{numbers}\n{found['complaints']}")
    if found["events"] != events:
        raise Invalid(f"{found['events']} events came, {events} were sent")
    return found


def quietly(measure):
    """The least disturbed of a few attempts, normally the first; says when all were disturbed."""
    most = float(os.environ.get("BENCH_OTHER_WORK", "0.05"))
    found = []
    while len(found) < ATTEMPTS and all(one["others"] > most for one in found):
        found.append(measure())
    best = min(found, key=lambda one: one["others"])
    problem = f"other work took {best['others']:.0%} of a core" if best["others"] > most else None
    return best | {"attempts": len(found), "problem": problem}
