"""Mints access tokens of the size that Entra issues, no two alike: python3 tokens.py EMULATOR_URL COUNT > file"""

import json
import sys
import urllib.request
import uuid

MIN_BYTES = 1300


def claims(number):
    """What differs from person to person, five groups, and the opaque claims of a real token."""
    fixed = lambda kind: str(uuid.uuid5(uuid.NAMESPACE_URL, f"{kind}/{number}"))
    name = f"person{number:02}"
    return {
        "oid": fixed("oid"),
        "sub": uuid.UUID(fixed("sub")).hex + "-AbCdEfGhIj",
        "name": f"Person Number {number}",
        "preferred_username": f"{name}@contoso.test",
        "email": f"{name}@contoso.test",
        "groups": [fixed(f"group{group}") for group in range(5)],
        "sid": fixed("sid"),
        "xms_ftd": uuid.UUID(fixed("ftd")).hex + "BdXN3ZXN0Mi1kc21z",
    }


def mint(emulator, number):
    wanted = {"app": "API", "roles": ["User"], "lifetime_seconds": 7200, "claims": claims(number)}
    request = urllib.request.Request(
        f"{emulator}/__emulator/tokens",
        data=json.dumps(wanted).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["token"]


tokens = [mint(sys.argv[1], number) for number in range(int(sys.argv[2]))]
assert len(set(tokens)) == len(tokens), "two tokens are the same"
assert min(map(len, tokens)) >= MIN_BYTES, f"a token has only {min(map(len, tokens))} bytes"
print("\n".join(tokens))
