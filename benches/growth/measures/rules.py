"""CPU per call with one rule and with a thousand, of which the last one decides: what a decision costs more."""

from lines import difference, spread, table, tenths
from measurements.calls import per_request
from peers.entragate import Relay
from watch import quietly, watched

TITLE = "Rules"
ROUNDS, SECONDS, CONNECTIONS = 5, 4, 64
LAST = '{ tools = ["search_*"], roles = ["User"] }'


class Ruled(Relay):
    """The relay with as many rules in front of the one that decides."""

    def __init__(self, ground, key, title, others):
        self.key, self.title = key, title
        self.rules = ", ".join([*others, LAST])
        super().__init__(ground)

    def environment(self):
        return super().environment() | {"ENTRAGATE_RULES": f"[{self.rules}]"}


def rule(pattern):
    return f'{{ tools = ["{pattern}"], roles = ["Role"] }}'


def measure(ground):
    kinds = [
        Ruled(ground, "one", "1 rule", []),
        Ruled(ground, "names", "1 000 rules, 999 of them each for a name", [rule(f"other_{n:03}") for n in range(999)]),
        Ruled(ground, "patterns", "1 000 rules, 999 of them each for a pattern", [rule(f"other_{n:03}_*") for n in range(999)]),
    ]
    found = {kind.key: {} for kind in kinds}
    for number in range(ROUNDS):
        for kind in kinds[number % 3 :] + kinds[: number % 3]:
            kind.start()
            kind.warm()
            once = lambda: per_request(watched(ground, kind, "calls", kind.port, kind.tokens, CONNECTIONS, SECONDS))
            found[kind.key][number] = quietly(once)["cpu_us"]
            kind.stop()
    rows = [
        [kind.title, spread(found[kind.key], tenths), spread(difference(found[kind.key], found["one"]), tenths)]
        for kind in kinds
    ]
    return table(["rules", "CPU per call, µs", "more than with one, µs"], rows)
