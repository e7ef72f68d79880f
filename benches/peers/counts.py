"""Instructions and allocations of the gateway per authenticated call, in both modes. Started by instructions.sh.

    python3 counts.py entragate=PATH load=PATH upstream=PATH        the gateway with symbols, better with line tables, too

Counts hardly depend on what else the machine does, which times do. They say nothing about caches, system calls and waiting.
"""

import os
import sys
from pathlib import Path

from ground import Ground
from peers.entragate import Broker, Relay
from valgrind import allocations, instructions


def main():
    calls = int(os.environ.get("BENCH_CALLS", "1000"))
    ground = Ground(dict(argument.split("=", 1) for argument in sys.argv[1:]), 0)
    kept = Path(os.environ.get("BENCH_KEEP", ground.work))
    kept.mkdir(parents=True, exist_ok=True)
    try:
        for kind in (Relay, Broker):
            peer = kind(ground)
            peer.sign_in()
            print(f"## {peer.title}\n", flush=True)
            for tool in (instructions, allocations):
                out = kept / f"{peer.key}.{tool.__name__.split('.')[1]}"
                tool.under(ground, peer, calls, out)
                tool.show(out, calls)
    finally:
        ground.close()


main()
