"""python bicep.py FILE: reads a Bicep template with a parser that is not Microsoft's."""
import sys

import pycep

with open(sys.argv[1], encoding="utf-8") as template:
    parsed = pycep.BicepParser().parse(text=template.read())
print(len(parsed["resources"]), "resources")
