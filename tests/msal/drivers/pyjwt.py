"""Validation of the emulator's tokens by PyJWT: discovery, keys, kid, RS256, issuer, audience; and minted defects."""

import re

import jwt
from entra import *  # noqa: F403


def validate(token, version="/v2.0", audience=API):
    document = requests.get(f"{AUTHORITY}{version}/.well-known/openid-configuration", timeout=30).json()  # noqa: F405
    keys = requests.get(document["jwks_uri"], timeout=30).json()  # noqa: F405
    kid = jwt.get_unverified_header(token).get("kid")
    [key] = [jwt.PyJWK(key, algorithm="RS256") for key in keys["keys"] if key["kid"] == kid] or [None]
    if key is None:
        raise jwt.InvalidKeyError("the kid is not published")
    required = {"require": ["exp", "nbf", "iss", "aud", "tid"]}
    return jwt.decode(token, key, algorithms=["RS256"], issuer=document["issuer"], audience=audience, options=required)


@check("v2 and v1 tokens")
def _():
    assert validate(mint())["ver"] == "2.0"
    assert validate(mint(app="API1"), "", f"api://{API1}")["ver"] == "1.0"


DEFECTS = {
    "alg_none": jwt.InvalidAlgorithmError,
    "alg_hs256": jwt.InvalidAlgorithmError,
    "kid_missing": jwt.InvalidKeyError,
    "kid_unknown": jwt.InvalidKeyError,
    "bad_signature": jwt.InvalidSignatureError,
    "consumers_key": jwt.InvalidKeyError,
    "expired": jwt.ExpiredSignatureError,
    "not_yet_valid": jwt.ImmatureSignatureError,
    "no_exp": jwt.MissingRequiredClaimError,
    "no_nbf": jwt.MissingRequiredClaimError,
    "jwe": jwt.DecodeError,
    "graph_nonce": jwt.InvalidSignatureError,
    "id_token": jwt.InvalidAudienceError,
    "other_tenant": jwt.InvalidIssuerError,
    "sibling_app": jwt.InvalidAudienceError,
    "crit_header": jwt.InvalidTokenError,
}

# What only rules beside this library's would refuse: Entra's about tid, keys and permissions, and the types of claims.
ACCEPTED = ["wrong_tid", "duplicate_tid", "wrong_cloud_instance", "no_scp_no_roles", "string_exp", "aud_array"]

for defect, expected in DEFECTS.items():

    @check(f"refused: {defect}")
    def _():
        try:
            validate(mint(defect=defect))
        except expected:
            return
        raise AssertionError("it was not refused")


for defect in ACCEPTED:

    @check(f"accepted by this library alone: {defect}")
    def _():
        validate(mint(defect=defect))


@check("no defect of the emulator is left out")
def _():
    answer = requests.post(f"{EMULATOR}/__emulator/tokens", json={"defect": "no such"}, timeout=30)  # noqa: F405
    _, known = answer.json()["error"].split("expected one of")
    assert set(re.findall(r"`(\w+)`", known)) == {*DEFECTS, *ACCEPTED}, known
