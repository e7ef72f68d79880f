"""The emulator's signing key in the forms that peers want: the key set for some, PEM for others."""

import base64
import json


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def header(token):
    return json.loads(decoded(token.split(".")[0]))


def payload(token):
    return json.loads(decoded(token.split(".")[1]))


def der(tag, *contents):
    body = b"".join(contents)
    size = len(body)
    length = bytes([size]) if size < 128 else bytes([0x82]) + size.to_bytes(2, "big")
    return bytes([tag]) + length + body


def integer(text):
    return der(0x02, b"\0" + decoded(text).lstrip(b"\0"))


RSA_ENCRYPTION = bytes.fromhex("06092a864886f70d0101010500")  # the OID 1.2.840.113549.1.1.1 and NULL


def pem(jwk):
    """SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) of an RSA key (RFC 7518 §6.3.1)."""
    if len(decoded(jwk["n"])) < 256:
        raise ValueError("an RSA key of 2048 bits or more is expected")
    key = der(0x30, integer(jwk["n"]), b"\x02\x03" + decoded(jwk["e"]))
    info = der(0x30, b"\x30\x0d" + RSA_ENCRYPTION, der(0x03, b"\0", key))
    text = base64.encodebytes(info).decode().replace("\n", "")
    lines = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    return f"-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n"
