"""What grows, and how far. Started by run.sh, which says what there is to measure.

    python3 growth.py entragate=PATH load=PATH upstream=PATH faketime=PATH [MEASURE]...

Each measure prints a table of its own.
"""

import sys
from pathlib import Path

sys.path.insert(1, str(Path(__file__).parents[1] / "peers"))

from ground import Ground
from measures import MEASURES


def main():
    arguments = [argument.split("=", 1) for argument in sys.argv[1:]]
    binaries = dict(pair for pair in arguments if len(pair) == 2)
    asked = [name for name, *rest in arguments if not rest]
    wanted = {name: measure for name, measure in MEASURES.items() if not asked or name in asked}
    if not wanted:
        sys.exit(f"there is no such measure; there are: {' '.join(MEASURES)}")
    ground = Ground(binaries, max(getattr(measure, "TOKENS", 0) for measure in wanted.values()))
    try:
        for name, measure in wanted.items():
            print(f"measuring {name}", file=sys.stderr, flush=True)
            print(f"### {measure.TITLE}\n\n{measure.measure(ground)}\n", flush=True)
    finally:
        ground.close()


main()
