"""JSON lines of rounds.py and starts.py in, Markdown out: python3 report.py BINARY < lines"""

import json
import os
import sys
from statistics import median

TITLES = {"direct": "direct", "nginx": "nginx `proxy_pass`, no sign-in", "entragate": "Entragate, authenticated"}


def spread(values, form):
    """The median, and from the smallest to the largest in brackets."""
    values = list(values)
    return f"{form(median(values))} ({form(min(values))}–{form(max(values))})"


def thousands(value):
    return f"{value:,.0f}".replace(",", " ")


def micro(value):
    return f"{value:.1f}"


def main():
    lines = [json.loads(line) for line in sys.stdin]
    rounds = [line for line in lines if "target" in line]
    memory = {line["memory"]: line for line in lines if "memory" in line}
    starts = [line["start"] for line in lines if "start" in line]

    def of(target, connections, key):
        return [r[key] for r in rounds if (r["target"], r["connections"]) == (target, connections)]

    count = max(r["round"] for r in rounds) + 1
    print(f"Median of {count} rounds, in brackets the smallest and the largest.\n")
    print("| target | connections | requests/s | CPU per request, µs | latency p50, µs | p99, µs | proxy's core | load's core |")
    print("|---|---|---|---|---|---|---|---|")
    for connections in (1, 64):
        for target, title in TITLES.items():
            pick = lambda key: of(target, connections, key)
            proxied = target != "direct"
            cells = [
                title,
                str(connections),
                spread(pick("rate"), thousands),
                spread(pick("proxy_us"), micro) if proxied else "–",
                thousands(median(pick("p50_us"))),
                thousands(median(pick("p99_us"))),
                f"{median(pick('proxy_core')):.0%}" if proxied else "–",
                f"{median(pick('load_core')):.0%}",
            ]
            print(f"| {' | '.join(cells)} |")

    print("\nEntragate divided by nginx, of the same round:\n")
    print("| connections | requests/s | CPU per request | latency p50 |")
    print("|---|---|---|---|")
    for connections in (1, 64):
        cells = []
        for key in ("rate", "proxy_us", "p50_us"):
            pairs = zip(of("entragate", connections, key), of("nginx", connections, key))
            cells.append(spread((ours / theirs for ours, theirs in pairs), "{:.2f}".format))
        print(f"| {connections} | {' | '.join(cells)} |")

    mib = lambda kib: f"{kib / 1024:.1f} MiB"
    print("\n| start and size | Entragate | nginx |")
    print("|---|---|---|")
    for key, title in (("document_ms", "metadata"), ("call_ms", "authenticated call")):
        value = spread((s[key] for s in starts), "{:.1f}".format)
        print(f"| from exec to the first 200, {title}, {len(starts)} starts | {value} ms | |")
    for when, title in (("idle", "idle, after the start"), ("after", "idle, after the load")):
        at = memory[when]
        print(f"| resident memory {title} | {mib(at['entragate'])} | {mib(at['nginx'])} |")
    print(f"| binary | {mib(os.path.getsize(sys.argv[1]) / 1024)} | |")

    upstream = median(r["upstream_us"] for r in rounds)
    print(f"\nThe upstream itself took {upstream:.1f} µs of CPU per request.", end=" ")
    others, stolen = [r["others"] for r in rounds], [r["stolen"] for r in rounds]
    print(f"Other work on the machine: {median(others):.0%} of a core, at most {max(others):.0%};", end=" ")
    print(f"stolen by the hypervisor: at most {max(stolen):.1%}.", end=" ")
    repeated = sum(r["attempts"] > 1 for r in rounds)
    print(f"{repeated} of {len(rounds)} measurements were repeated because of other work.")


main()
