"""Access tokens of the size that Entra issues, no two alike, signed by the emulated Entra ID (RS256)."""

import http.client
import json
import uuid

MIN_BYTES = 1300


def claims(number):
    """What differs from person to person, five groups, and the opaque claims of a real token."""
    fixed = lambda kind: str(uuid.uuid5(uuid.NAMESPACE_URL, f"{kind}/{number}"))
    name = f"person{number:05}"
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


def mint(emulator_port, count):
    """So many tokens, as bob's, but for the claims."""
    emulator = http.client.HTTPConnection("127.0.0.1", emulator_port, timeout=10)
    tokens = []
    for number in range(count):
        wanted = {"app": "API", "user": "bob", "roles": ["User"], "lifetime_seconds": 6 * 3600, "claims": claims(number)}
        emulator.request("POST", "/__emulator/tokens", json.dumps(wanted), {"Content-Type": "application/json"})
        tokens.append(json.load(emulator.getresponse())["token"])
    assert len(set(tokens)) == len(tokens), "two tokens are the same"
    assert min(map(len, tokens)) >= MIN_BYTES, f"a token has only {min(map(len, tokens))} bytes"
    return tokens
