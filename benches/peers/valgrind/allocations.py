"""Allocations of the gateway per authenticated call, under DHAT: each belongs to the innermost layer that asked for it."""

import json
from collections import defaultdict

from valgrind.layers import LAYERS, layer
from valgrind.running import check, running

RARE = 0.5  # less often than this per call: of the start, of the first sight of a token


def under(ground, peer, calls, out):
    with running(peer, ["--tool=dhat", "--num-callers=60", f"--dhat-out-file={out}"]):
        found = ground.load("calls", peer.port, ground.repeated(peer.tokens, calls), 4, 900, calls)
    check(peer, found, calls)


def owner(frames):
    """From the inside to the outside; the standard library and the shared data types belong to whoever used them."""
    shared = {"allocator", "buffers (bytes, http-body)", "header maps, URIs (http)", "memory copies and comparisons", None}
    titles = [layer(frame) for frame in frames]
    return next((title for title in titles if title not in shared), None) or next(filter(None, titles), "unknown")


def show(out, calls):
    with open(out, encoding="utf-8") as file:
        found = json.load(file)
    layers = defaultdict(lambda: [0, 0])
    for place in found["pps"]:
        if place["tbk"] / calls < RARE:
            continue
        pair = layers[owner([found["ftbl"][frame] for frame in place["fs"]])]
        pair[0] += place["tbk"] / calls
        pair[1] += place["tb"] / calls
    order = {title: number for number, (title, _) in enumerate(LAYERS)}
    print(f"{sum(count for count, _ in layers.values()):.0f} allocations per call\n")
    print("| layer | allocations per call | bytes |\n|---|---|---|")
    for title, (count, size) in sorted(layers.items(), key=lambda pair: order.get(pair[0], 99)):
        print(f"| {title} | {count:.1f} | {size:,.0f} |")
    print()
