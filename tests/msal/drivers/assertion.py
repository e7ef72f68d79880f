"""The gateway's assertion as an MCP server verifies it with PyJWT: by the code of docs/guide/identity.md, unchanged."""

import re
from pathlib import Path

import jwt
from entra import *  # noqa: F403
from gateway import Gateway

GUIDE = (Path(__file__).resolve().parents[3] / "docs/guide/identity.md").read_text()
[CODE] = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
AUDIENCE = "https://tools.internal.contoso.com"
IDENTITY = {"ENTRAGATE_UPSTREAM_IDENTITY": "assertion", "ENTRAGATE_UPSTREAM_AUDIENCE": AUDIENCE}


def verifier(issuer, audience):
    guide = {"jwt": jwt, "ISSUER": issuer, "AUDIENCE": audience}
    exec(CODE, guide)
    return guide["caller"]


with Gateway(**IDENTITY) as gateway:
    entras = mint()  # noqa: F405
    authorization = gateway.seen(entras)["authorization"]
    caller = verifier(gateway.url, AUDIENCE)

    @check("the guide's code reads who calls")  # noqa: F405
    def _():
        claims = caller(authorization)
        told = jwt.decode(entras, options={"verify_signature": False})
        same = ("oid", "tid", "azp", "scp", "roles")
        assert [claims[name] for name in same] == [told[name] for name in same], claims
        assert (claims["tid"], claims["idtyp"]) == (TENANT, "user"), claims  # noqa: F405
        assert claims["exp"] - claims["iat"] <= 300, claims
        assert claims["sub"] == told["oid"], claims

    @check("refused: another audience, another issuer, Entra's own token, a changed claim")  # noqa: F405
    def _():
        token = authorization.removeprefix("Bearer ")
        header, payload, signature = token.split(".")
        other = gateway.seen(mint(user="bob"))["authorization"].removeprefix("Bearer ").split(".")  # noqa: F405
        for verify, presented in [
            (verifier(gateway.url, "https://elsewhere.test"), authorization),
            (caller, f"Bearer {entras}"),
            (caller, f"Bearer {header}.{other[1]}.{signature}"),
        ]:
            try:
                verify(presented)
            except jwt.InvalidTokenError:
                continue
            raise AssertionError("it was not refused")
