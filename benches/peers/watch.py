"""One measurement of one peer: the load runs, the CPU time of all is taken, and the result is checked."""

import os
import resource
import time

from proc import cpu_seconds, machine_seconds

SETTLE = 0.3  # until what the last load left behind has arrived
ATTEMPTS = 3


class Invalid(Exception):
    """What was found says nothing about the peer."""


def of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def own():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def watched(ground, peer, *arguments):
    """Runs the load with `arguments`; its result, and the CPU seconds of the peer, the upstream and everybody else."""
    time.sleep(SETTLE)
    proxies, upstream = peer.pids(), [ground.upstream.pid]
    take = lambda: (cpu_seconds(proxies), cpu_seconds(upstream), of_children() + own(), *machine_seconds(), time.monotonic())
    arrived, before = ground.arrived(), take()
    found = ground.load(*arguments)
    time.sleep(SETTLE)
    after, arrived_after = take(), ground.arrived()
    proxy, upstream, load, busy, stolen, elapsed = (new - old for old, new in zip(before, after))
    found["arrived"] = arrived_after["calls"] - arrived["calls"]
    found["sent_events"] = arrived_after["events"] - arrived["events"]
    if found["errors"] or found["arrived"] != found["requests"]:
        raise Invalid(f"{found['errors']} failures, {found['requests']} answers, {found['arrived']} calls at the upstream\n"
                      f"{found['complaints']}")
    if found["events"] != found["sent_events"]:
        raise Invalid(f"{found['events']} events came, {found['sent_events']} were sent")
    return found | {
        "proxy_seconds": proxy,
        "upstream_seconds": upstream,
        "load_seconds": load,
        # In shares of one core. /proc/stat counts in steps of 10 ms, so a little below zero is nothing.
        "others": max(0.0, (busy - proxy - upstream - load) / elapsed),
        "stolen": stolen / elapsed,
    }


def quietly(measure):
    """The least disturbed of a few attempts, normally the first; says when all were disturbed."""
    most = float(os.environ.get("BENCH_OTHER_WORK", "0.05"))
    found = []
    while len(found) < ATTEMPTS and all(one["others"] > most for one in found):
        found.append(measure())
    best = min(found, key=lambda one: one["others"])
    problem = f"other work took {best['others']:.0%} of a core" if best["others"] > most else None
    return best | {"attempts": len(found), "problem": problem}
