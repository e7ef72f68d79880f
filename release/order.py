"""The functions that have run, the first seen first. Started by build.sh.

    llvm-profdata show --all-functions --counts FILE | python3 order.py

What stands together in the program is mapped together: Linux maps 64 KiB at a time, and what is mapped is resident memory.
"""

import re
import sys

# "  [file;]name:" is followed by lines that are indented further; a function has run if one of its blocks has.
NAME = re.compile(r"^  (?:[^\s;]*;)?(\S+):$")
RAN = re.compile(r"^    Block counts: .*[1-9]")


def main():
    name, ran = "", {}
    for line in sys.stdin:
        if found := NAME.match(line):
            name = found[1]
        elif RAN.match(line):
            ran[name] = None
    if not ran:
        sys.exit("nothing has run: is this what llvm-profdata shows?")
    print(*ran, sep="\n")


main()
