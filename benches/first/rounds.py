"""Load in interleaved rounds; one JSON line for each measurement on stdout. Started by run.sh."""

import json
import os
import resource
import subprocess
import sys
import time
import urllib.request

from proc import cpu_seconds, family, machine_seconds, resident_kib

HERE = os.path.dirname(os.path.abspath(__file__))
CONNECTIONS = (1, 64)
WARM_UP = 2
QUIET = 0.05  # of a core for other work; a measurement with more is repeated,
ATTEMPTS = 3  # so many times in all
SETTLE = 0.3  # until what the last load left behind has arrived


def settings():
    get = os.environ.get
    return {
        "rounds": int(get("BENCH_ROUNDS", "5")),
        "seconds": int(get("BENCH_SECONDS", "4")),
        "load_cpu": os.environ["BENCH_LOAD_CPU"],
        "upstream": (int(os.environ["BENCH_UPSTREAM_PORT"]), int(os.environ["BENCH_UPSTREAM_PID"])),
        "targets": {
            "direct": (int(os.environ["BENCH_UPSTREAM_PORT"]), None),
            "nginx": (int(os.environ["BENCH_NGINX_PORT"]), int(os.environ["BENCH_NGINX_PID"])),
            "entragate": (int(os.environ["BENCH_GATEWAY_PORT"]), int(os.environ["BENCH_GATEWAY_PID"])),
        },
    }


def arrived(port):
    """How many requests the upstream has answered, this one included."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/status", timeout=10) as answer:
        return int(answer.read().decode().split("\n")[2].split()[2])


def wrk(port, connections, seconds, cpu):
    command = ["taskset", "-c", cpu, "wrk", "--threads=1", f"--connections={connections}"]
    command += [f"--duration={seconds}s", "--latency", f"--script={HERE}/calls.lua", f"http://127.0.0.1:{port}"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30)
    if ran.returncode != 0:
        sys.exit(f"wrk failed:\n{ran.stdout}{ran.stderr}")
    return json.loads(ran.stdout.strip().splitlines()[-1])


def of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(target, connections, seconds, s):
    port, pid = s["targets"][target]
    upstream_port, upstream_pid = s["upstream"]
    proxy = family(pid) if pid else []
    upstream = family(upstream_pid)
    time.sleep(SETTLE)
    before = arrived(upstream_port), cpu_seconds(proxy), cpu_seconds(upstream), of_children()
    busy, stolen = machine_seconds()
    began = time.monotonic()
    result = wrk(port, connections, seconds, s["load_cpu"])
    time.sleep(SETTLE)
    elapsed = time.monotonic() - began
    busy, stolen = machine_seconds()[0] - busy, machine_seconds()[1] - stolen
    after = arrived(upstream_port), cpu_seconds(proxy), cpu_seconds(upstream), of_children()
    count, in_proxy, in_upstream, in_wrk = (new - old for old, new in zip(before, after))
    count -= 1  # the look at the counter
    # What was under way when the time was up reached the upstream, but wrk does not count it.
    if result["errors"] or not 0 <= count - result["requests"] <= 2 * connections:
        sys.exit(f"{target}: {result['errors']} errors, {result['requests']} answers, {count} at the upstream")
    return {
        "target": target,
        "connections": connections,
        "rate": result["requests"] / result["seconds"],
        "p50_us": result["p50_us"],
        "p99_us": result["p99_us"],
        "proxy_us": in_proxy / count * 1e6,
        "upstream_us": in_upstream / count * 1e6,
        "proxy_core": in_proxy / result["seconds"],
        "load_core": (in_upstream + in_wrk) / result["seconds"],
        # In shares of one core. Ticks are coarse, so a little below zero is nothing.
        "others": max(0.0, (busy - in_proxy - in_upstream - in_wrk) / elapsed),
        "stolen": stolen / elapsed,
    }


def measure_quietly(target, connections, s):
    """The least disturbed of a few attempts; normally the first."""
    found = []
    while len(found) < ATTEMPTS and all(f["others"] > QUIET for f in found):
        found.append(measure(target, connections, s["seconds"], s))
    return min(found, key=lambda f: f["others"]) | {"attempts": len(found)}


def main():
    s = settings()
    say = lambda line: print(json.dumps(line), flush=True)
    memory = lambda when: say(
        {"memory": when}
        | {name: resident_kib(family(pid)) for name, (_, pid) in s["targets"].items() if pid}
    )
    memory("idle")
    for target in s["targets"]:
        wrk(s["targets"][target][0], 64, WARM_UP, s["load_cpu"])
    names = list(s["targets"])
    for number in range(s["rounds"]):
        # Each round begins with another target, so that none always follows the same one.
        for target in names[number % 3 :] + names[: number % 3]:
            for connections in CONNECTIONS:
                found = measure_quietly(target, connections, s)
                say(found | {"round": number})
                print(
                    f"round {number + 1}, {target}, {connections} connections: {found['rate']:.0f} requests/s,"
                    f" other work {found['others']:.0%} of a core, attempt {found['attempts']}",
                    file=sys.stderr,
                )
    time.sleep(3)
    memory("after")


main()
