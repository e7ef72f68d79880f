"""A Callgrind file (https://valgrind.org/docs/manual/cl-format.html): who executes what, who calls whom."""

from collections import defaultdict


class Profile:
    def __init__(self, lines):
        self.itself = defaultdict(int)  # by function and file; a file differs from the function's where code was inlined
        self.inclusive = defaultdict(int)
        self.total = 0
        self.names = {}
        self.read(lines)

    def name(self, kind, text):
        """Names are given in full once, with a number, and by number later."""
        number, _, full = text.partition(" ")
        if not number.startswith("("):
            return text
        if full:
            self.names[kind, number] = full
        return self.names[kind, number]

    def read(self, lines):
        function = file = target = None
        is_call = False
        for line in map(str.rstrip, lines):
            key, is_assignment, value = line.partition("=")
            if is_assignment and key in ("fl", "fi", "fe"):
                file = self.name("file", value)
            elif is_assignment and key == "fn":
                function = self.name("function", value)
            elif is_assignment and key == "cfn":
                target = self.name("function", value)
            elif is_assignment and key in ("cfi", "cfl"):
                self.name("file", value)
            elif is_assignment and key == "calls":
                is_call = True
            elif line[:1] in tuple("0123456789+-*"):
                self.count(function, file, target if is_call else None, int((line.split() + ["0"])[1]))
                is_call = False

    def count(self, function, file, target, cost):
        if target is None:
            self.itself[function, file] += cost
            self.total += cost
        if target != function:
            self.inclusive[function] += cost

    def functions(self):
        found = defaultdict(int)
        for (function, _), cost in self.itself.items():
            found[function] += cost
        return found
