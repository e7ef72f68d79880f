"""The JSON lines of rounds.py, to be asked for values; and how values are written."""

from statistics import median


class Lines:
    def __init__(self, lines):
        self.about = [line for line in lines if "about" in line]
        self.results = [line for line in lines if "name" in line and "failed" not in line]
        self.failed = [line for line in lines if "failed" in line]
        self.rounds = len({line["round"] for line in self.results})

    def measured(self, peers):
        """Those of whom there is a result."""
        known = {result["peer"] for result in self.results}
        return [peer for peer in peers if peer.key in known]

    def of(self, peer, name, key):
        """The values by round; what could not be measured is missing."""
        found = {r["round"]: r.get(key) for r in self.results if (r["peer"], r["name"]) == (peer, name)}
        return {number: value for number, value in found.items() if value is not None}


def combined(function, *values):
    """Values by round from values by round, for the rounds that all of them have."""
    common = set.intersection(*map(set, values))
    return {number: function(*(each[number] for each in values)) for number in sorted(common)}


def ratio(above, below):
    """Values of the same round, divided."""
    return combined(lambda a, b: a / b if b else float("inf"), above, below)


def difference(more, less):
    return combined(lambda a, b: a - b, more, less)


def spread(values, form):
    """The median, and from the smallest to the largest in brackets."""
    found = list(values.values())
    if not found:
        return "–"
    return f"{form(median(found))} ({form(min(found))}–{form(max(found))})"


def thousands(value):
    return f"{value:,.0f}".replace(",", " ")


def tenths(value):
    return f"{value:.1f}"


def hundredths(value):
    return f"{value:.2f}"


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
