"""JSON lines of rounds.py in, Markdown out: python3 report.py < lines"""

import json
import sys
from statistics import median

import bars
from lines import Lines, combined, difference, hundredths, ratio, spread, table, tenths, thousands
from measurements.calls import CONNECTIONS
from peers import PEERS, Relay


def calls(lines):
    head = ["peer", "connections", "requests/s", "CPU per request, µs", "in the kernel, µs", "latency p50, µs", "p99, µs", "added p50, µs", "added p99, µs"]
    rows = []
    for connections in CONNECTIONS:
        names = [(peer.key, f"calls-{connections}", peer.title) for peer in PEERS]
        if connections == 64:
            at = next(place for place, name in enumerate(names) if name[0] == Relay.key) + 1
            names.insert(at, (Relay.key, "cold-tokens", f"{Relay.title}, each token new"))
        for key, name, title in names:
            of = lambda what: lines.of(key, name, what)
            if not of("rate"):
                continue
            added = lambda what: difference(of(what), lines.of("direct", f"calls-{connections}", what))
            is_proxy = key != "direct"
            rows.append([
                title, str(connections), spread(of("rate"), thousands), spread(of("cpu_us"), tenths) if is_proxy else "–",
                spread(of("kernel_us"), tenths) if is_proxy else "–",
                spread(of("p50_us"), thousands), spread(of("p99_us"), thousands),
                spread(added("p50_us"), thousands) if is_proxy else "–", spread(added("p99_us"), thousands) if is_proxy else "–",
            ])
    return table(head, rows)


def ratios(lines):
    """Everybody's CPU and latency against nginx's, of the same round."""
    head = ["divided by nginx", *(f"CPU per request, {n}" for n in CONNECTIONS), "latency p50, 1", "first event", "events/s, flood"]
    rows = []
    for peer in lines.measured(PEERS[2:]):
        against = lambda name, key: spread(ratio(lines.of(peer.key, name, key), lines.of("nginx", name, key)), hundredths)
        cells = [against(f"calls-{connections}", "cpu_us") for connections in CONNECTIONS]
        cells += [against("calls-1", "p50_us"), against("first-event", "p50_us"), against("flood", "events_a_second")]
        rows.append([peer.title, *cells])
    return table(head, rows)


def streams(lines):
    head = ["peer", "first event p50, µs", "p99, µs", "flood, events/s", "CPU per event, µs", "paced: CPU per event, µs", "in the kernel, µs",
            "KiB per open stream", "CPU per call before, µs", "after the streams: ×"]
    rows = []
    for peer in lines.measured(peer for peer in PEERS if peer.relays_streams):
        of = lambda name, key: lines.of(peer.key, name, key)
        shown = lambda name, key, form: spread(of(name, key), form) if peer.key != "direct" else "–"
        after = ratio(of("streams", "cpu_us_after"), of("streams", "cpu_us_before"))
        rows.append([
            peer.title, spread(of("first-event", "p50_us"), thousands), spread(of("first-event", "p99_us"), thousands),
            spread(of("flood", "events_a_second"), thousands), shown("flood", "cpu_us", hundredths),
            shown("paced", "cpu_us", tenths), shown("paced", "kernel_us", tenths), spread(of("streams", "kib_a_stream"), tenths),
            spread(of("streams", "cpu_us_before"), tenths), spread(after, hundredths),
        ])
    return table(head, rows)


def starts(lines):
    head = ["peer", "cold start to the first 200, ms", "resident memory idle, MiB", "after the streams, MiB", "program, MB"]
    rows = []
    for peer in lines.measured(PEERS[1:]):
        of = lambda name, key, unit: combined(lambda value: value / unit, lines.of(peer.key, name, key))
        size = of("start", "binary_bytes", 1e6)
        rows.append([
            peer.title, spread(of("start", "start_ms", 1), tenths), spread(of("start", "idle_kib", 1024), tenths),
            spread(of("streams", "after_kib", 1024), tenths), tenths(median(size.values())) if size else "–",
        ])
    return table(head, rows)


def noise(lines):
    measured = [r for r in lines.results if "others" in r]
    if not measured:
        return "Nothing was measured."
    others, stolen = [r["others"] for r in measured], [r["stolen"] for r in measured]
    upstream = [r["upstream_us"] for r in measured if r["peer"] == "direct" and "upstream_us" in r]
    repeated = sum(r["attempts"] > 1 for r in measured)
    text = f"Other work on the machine: median {median(others):.0%} of a core, at most {max(others):.0%}; " \
           f"stolen by the hypervisor: at most {max(stolen):.1%}. " \
           f"{repeated} of {len(measured)} measurements were repeated because of other work."
    return f"The upstream took {median(upstream):.1f} µs of CPU per request. {text}" if upstream else text


def invalid(lines):
    problems = [f"round {r['round'] + 1}, {r['name']}, {r['peer']}: {r['problem']}" for r in lines.results if r.get("problem")]
    problems += [f"round {r['round'] + 1}, {r['name']}, {r['peer']}: {r['failed']}" for r in lines.failed]
    problems += [line["problem"] for line in lines.about if line["about"] == "problem"]
    return "\n".join(f"- {problem.splitlines()[0]}" for problem in problems)


def main():
    lines = Lines([json.loads(line) for line in sys.stdin])
    size = next((line["bytes"] for line in lines.about if line["about"] == "tokens"), "?")
    print(f"Rounds: {lines.rounds}. Medians, in brackets the smallest and the largest; 64 tokens of {size} bytes.\n")
    sections = [("Calls", calls), ("Against nginx", ratios), ("Event streams", streams), ("Start, memory, size", starts), ("Bars", bars.written)]
    for title, section in sections:
        print(f"### {title}\n\n{section(lines)}\n")
    print(noise(lines))
    if problems := invalid(lines):
        print(f"\n**Invalid measurements; those with failed requests are left out of the tables:**\n\n{problems}")


main()
