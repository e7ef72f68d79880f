"""Instructions of the gateway per authenticated call, under Callgrind, by layer and by function.

Callgrind's processor has no SHA instructions: the hash of the token costs a real one about a twentieth of what it shows.
"""

import re
import subprocess
from collections import defaultdict

from valgrind.callgrind import Profile
from valgrind.layers import layer
from valgrind.running import check, running

TOP = 30


def under(ground, peer, calls, out):
    """Counts only once every token has been seen."""
    with running(peer, ["--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}"]):
        ground.load("calls", peer.port, peer.tokens, 8, 900, 64)
        control = lambda state: subprocess.run(
            ["callgrind_control", f"--instr={state}", str(peer.process.pid)], check=True, capture_output=True
        )
        control("on")
        found = ground.load("calls", peer.port, ground.repeated(peer.tokens, calls), 8, 900, calls)
        control("off")
    check(peer, found, calls)


def short(function):
    return re.sub(r"::h[0-9a-f]{16}$", "", function or "?")[:150]


def rows(title, costs, total, calls, count=None):
    print(f"| {title} | instructions per call | share |\n|---|---|---|")
    for name, cost in sorted(costs.items(), key=lambda pair: -pair[1])[:count]:
        each = f"{cost / calls:,.0f}".replace(",", " ")
        print(f"| {name} | {each} | {cost / total:.1%} |")
    print()


def show(out, calls):
    with open(out, encoding="utf-8", errors="replace") as file:
        found = Profile(file)
    layers, functions, ours = defaultdict(int), defaultdict(int), {}
    for (function, file), cost in found.itself.items():
        layers[layer(file, function) or "standard library, and what was inlined from it"] += cost
    for function, cost in found.functions().items():
        functions[f"`{short(function)}`"] += cost
    for function, cost in found.inclusive.items():
        if "entragate" in (function or ""):
            ours[f"`{short(function)}`"] = cost
    print(f"{found.total / calls:,.0f} instructions per call\n".replace(",", " "))
    rows("layer", layers, found.total, calls)
    rows("function, without what it calls", functions, found.total, calls, TOP)
    rows("function of ours, with what it calls", ours, found.total, calls, TOP)
