"""azure-identity."""

from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    AuthorizationCodeCredential,
    CertificateCredential,
    ClientSecretCredential,
    DeviceCodeCredential,
    InteractiveBrowserCredential,
    OnBehalfOfCredential,
)
from entra import *  # noqa: F403

OPTIONS = {"authority": EMULATOR, "disable_instance_discovery": True}
PEM = (CERTIFICATE + KEY).encode()


def token(credential, scope):
    return claims(credential.get_token(scope).token)


@check("client credentials: secret")
def _():
    found = token(ClientSecretCredential(TENANT, DAEMON, "d3mon", **OPTIONS), DEFAULT)
    assert (found["roles"], found["azpacr"]) == (["Tools.All"], "1"), found


@check("client credentials: certificate")
def _():
    for chain in [False, True]:
        credential = CertificateCredential(
            TENANT, WEB, certificate_data=PEM, send_certificate_chain=chain, **OPTIONS
        )
        assert token(credential, DEFAULT)["azpacr"] == "2"


@check("client credentials: a wrong secret")
def _():
    try:
        token(ClientSecretCredential(TENANT, WEB, "wrong", **OPTIONS), DEFAULT)
    except ClientAuthenticationError as error:
        assert "AADSTS7000215" in str(error), error
    else:
        raise AssertionError("it was not refused")


@check("interactive: authorization code with PKCE, then silent refresh")
def _():
    # Shorter than the reserve that the library keeps: the next call refreshes.
    control("PATCH", "/settings", {"access_token_seconds": 60})
    try:
        credential = InteractiveBrowserCredential(tenant_id=TENANT, client_id=DESKTOP, timeout=60, **OPTIONS)
        first, second = credential.get_token(ACCESS).token, credential.get_token(ACCESS).token
        assert first != second
        assert claims(first)["oid"] == claims(second)["oid"] == "00000000-aaaa-4000-8000-000000000001"
        grants = [dict(entry["form"]).get("grant_type") for entry in control("GET", "/requests")]
        assert [grant for grant in grants if grant][-1] == "refresh_token", grants
    finally:
        control("PATCH", "/settings", {"access_token_seconds": None})


@check("authorization code of a confidential client")
def _():
    query = {
        "client_id": WEB,
        "response_type": "code",
        "redirect_uri": WEB_REDIRECT,
        "scope": f"{ACCESS} openid offline_access",
    }
    request = requests.Request("GET", f"{AUTHORITY}/oauth2/v2.0/authorize", params=query)  # noqa: F405
    code = sign_in(request.prepare().url)["code"]
    credential = AuthorizationCodeCredential(TENANT, WEB, code, WEB_REDIRECT, client_secret="s3cret", **OPTIONS)
    assert token(credential, ACCESS)["azp"] == WEB


@check("device code")
def _():
    def prompt(_uri, user_code, _expires_on):
        approve_device(user_code, "bob")

    credential = DeviceCodeCredential(DESKTOP, tenant_id=TENANT, prompt_callback=prompt, **OPTIONS)
    assert token(credential, ACCESS)["oid"] == "00000000-aaaa-4000-8000-000000000002"


@check("on behalf of: secret and certificate")
def _():
    assertion = mint()
    by_secret = OnBehalfOfCredential(TENANT, API, client_secret="api-s3cret", user_assertion=assertion, **OPTIONS)
    assert token(by_secret, f"{GRAPH}/.default")["scp"] == "User.Read"
    by_certificate = OnBehalfOfCredential(TENANT, API, client_certificate=PEM, user_assertion=assertion, **OPTIONS)
    found = token(by_certificate, f"api://{SIBLING}/access")
    assert (found["aud"], found["azpacr"]) == (SIBLING, "2"), found
