"""What Entragate is held to. A report and not a test: the median decides, the spread says how far to believe it."""

from statistics import median

from lines import combined, difference, hundredths, ratio, spread, table, tenths

MIB = 1024


def bars(lines):
    """Text, values by round, limit; a limit below zero is a least."""
    of = lines.of
    cpu = lambda peer, name="calls-64": of(peer, name, "cpu_us")
    direct = of("direct", "calls-1", "p50_us")
    added = lambda peer: difference(of(peer, "calls-1", "p50_us"), direct)
    kept = lambda peer: ratio(of(peer, "calls-512", "rate"), of(peer, "calls-64", "rate"))
    mib = lambda values: combined(lambda kib: kib / MIB, values)
    yield "CPU per call, 64 connections, tokens seen before: × nginx without sign-in", ratio(cpu("relay"), cpu("nginx")), 1.3
    yield "the same: × HAProxy `jwt_verify`", ratio(cpu("relay"), cpu("haproxy")), 0.45
    yield "CPU per call, each token new: × HAProxy `jwt_verify`", ratio(cpu("relay", "cold-tokens"), cpu("haproxy", "cold-tokens")), 0.75
    yield "CPU per call, sealed tokens: × Entra's tokens seen before", ratio(cpu("broker"), cpu("relay")), 1.0
    yield "added latency p50, 1 connection: × nginx", ratio(added("relay"), added("nginx")), 1.1
    yield "throughput at 512 connections over that at 64: × nginx's, at least", ratio(kept("relay"), kept("nginx")), -1.0
    yield "first event p50: × nginx", ratio(of("relay", "first-event", "p50_us"), of("nginx", "first-event", "p50_us")), 1.1
    yield "paced events, µs of CPU for each", cpu("relay", "paced"), 25
    yield "flood, events/s: × nginx, at least", ratio(of("relay", "flood", "events_a_second"), of("nginx", "flood", "events_a_second")), -0.9
    yield "KiB for each open stream", of("relay", "streams", "kib_a_stream"), 24
    after = ratio(of("relay", "streams", "cpu_us_after"), of("relay", "streams", "cpu_us_before"))
    yield "CPU per call after the streams: × before", after, 1.1
    flat = ratio(cpu("relay", "calls-512"), cpu("relay", "calls-1"))
    yield "CPU per call, 512 connections: × 1 connection", flat, 1.0
    yield "resident memory idle, MiB", mib(of("relay", "start", "idle_kib")), 10
    yield "cold start to the first 200, ms", of("relay", "start", "start_ms"), 25
    yield "binary, MB", combined(lambda size: size / 1e6, of("relay", "start", "binary_bytes")), 20


def verdict(values, limit):
    if not values:
        return "not measured"
    found = median(values.values())
    return "met" if (found >= -limit if limit < 0 else found <= limit) else "**not met**"


def rows(lines):
    for text, values, limit in bars(lines):
        form = hundredths if "×" in text else tenths
        yield [text, f"{'≥' if limit < 0 else '≤'} {abs(limit):g}", spread(values, form), verdict(values, limit)]


def written(lines):
    return table(["bar", "limit", "found", ""], rows(lines))
