"""msal."""

import json

import msal
from entra import *  # noqa: F403

desktop = msal.PublicClientApplication(DESKTOP, authority=AUTHORITY, instance_discovery=False)


def by_code(app, redirect_uri, user="alice"):
    flow = app.initiate_auth_code_flow([ACCESS], redirect_uri=redirect_uri)
    assert "code_challenge=" in flow["auth_uri"] and "code_challenge_method=S256" in flow["auth_uri"]
    return good(app.acquire_token_by_auth_code_flow(flow, sign_in(flow["auth_uri"], user)))


def good(result):
    assert "access_token" in result, result
    return result


def refused(code, result):
    assert result.get("error_codes") == [code], result


def silent(app):
    [account] = app.get_accounts()
    cached = good(app.acquire_token_silent([ACCESS], account))
    fresh = good(app.acquire_token_silent([ACCESS], account, force_refresh=True))
    assert (cached["token_source"], fresh["token_source"]) == ("cache", "identity_provider")
    assert claims(fresh["access_token"])["scp"] == "access"
    assert fresh["access_token"] != cached["access_token"]


@check("public: authorization code with PKCE")
def _():
    result = by_code(desktop, "http://localhost:53682")
    token = claims(result["access_token"])
    assert (token["aud"], token["azp"], token["roles"]) == (API, DESKTOP, ["Admin"]), token
    assert result["id_token_claims"]["preferred_username"] == "alice@contoso.test"


@check("public: silent from the cache, then by refresh")
def _():
    silent(desktop)


@check("public: interactive over a loopback server and the desktop's browser")
def _():
    app = msal.PublicClientApplication(DESKTOP, authority=AUTHORITY, instance_discovery=False)
    result = good(app.acquire_token_interactive([ACCESS], timeout=60))
    assert result["id_token_claims"]["preferred_username"] == "alice@contoso.test"
    silent(app)


@check("public: device code")
def _():
    flow = desktop.initiate_device_flow([ACCESS])
    approve_device(flow["user_code"], "bob")
    result = good(desktop.acquire_token_by_device_flow(flow))
    assert result["id_token_claims"]["preferred_username"] == "bob@contoso.test"


@check("public: device code, declined")
def _():
    flow = desktop.initiate_device_flow([ACCESS])
    form = {"user_code": flow["user_code"], "__emulator_user": "bob", "__emulator_device": "decline"}
    requests.post(f"{EMULATOR}/common/oauth2/deviceauth", data=form, timeout=30)  # noqa: F405
    assert desktop.acquire_token_by_device_flow(flow)["error"] == "authorization_declined"


@check("public: with the emulator's own instance discovery")
def _():
    own = f"{EMULATOR}/common/discovery/instance"
    app = msal.PublicClientApplication(DESKTOP, authority=AUTHORITY, instance_discovery=own)
    by_code(app, "http://localhost:53682")


@check("public: as an OpenID Connect authority")
def _():
    app = msal.PublicClientApplication(DESKTOP, oidc_authority=f"{AUTHORITY}/v2.0", instance_discovery=False)
    by_code(app, "http://localhost:53682")


@check("public: a policy asks for interaction, with claims")
def _():
    control("PATCH", "/settings", {"mfa_required_users": ["alice"]})
    try:
        account = desktop.get_accounts("alice@contoso.test")[0]
        result = desktop.acquire_token_silent_with_error([ACCESS], account, force_refresh=True)
        refused(50076, result)
        assert "access_token" in json.loads(result["claims"]), result
    finally:
        control("PATCH", "/settings", {"mfa_required_users": []})


def confidential(client_id, credential):
    return msal.ConfidentialClientApplication(
        client_id, authority=AUTHORITY, client_credential=credential, instance_discovery=False
    )


BY_CERTIFICATE = {"private_key": KEY, "public_certificate": CERTIFICATE}


@check("confidential: authorization code with PKCE and a secret, or a certificate")
def _():
    for credential, proof in [("s3cret", "1"), (BY_CERTIFICATE, "2")]:
        app = confidential(WEB, credential)
        result = by_code(app, WEB_REDIRECT)
        assert claims(result["access_token"])["azpacr"] == proof
        silent(app)


@check("client credentials: secret")
def _():
    app = confidential(DAEMON, "d3mon")
    result = good(app.acquire_token_for_client([DEFAULT]))
    token = claims(result["access_token"])
    assert (token["roles"], token["azpacr"]) == (["Tools.All"], "1") and "scp" not in token, token
    assert app.acquire_token_for_client([DEFAULT])["token_source"] == "cache"


@check("client credentials: certificate, by thumbprint and with x5c")
def _():
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    certificate = x509.load_pem_x509_certificate(CERTIFICATE.encode())
    by_sha1 = {"private_key": KEY, "thumbprint": certificate.fingerprint(hashes.SHA1()).hex()}
    for credential in [BY_CERTIFICATE, by_sha1]:
        result = good(confidential(WEB, credential).acquire_token_for_client([DEFAULT]))
        assert claims(result["access_token"])["azpacr"] == "2"


@check("client credentials: a wrong and an expired secret")
def _():
    refused(7000215, confidential(WEB, "wrong").acquire_token_for_client([DEFAULT]))
    refused(7000222, confidential(WEB, "old").acquire_token_for_client([DEFAULT]))


@check("on behalf of: Microsoft Graph and another API")
def _():
    assertion = by_code(desktop, "http://localhost:53682")["access_token"]
    app = confidential(API, "api-s3cret")
    graph = claims(good(app.acquire_token_on_behalf_of(assertion, [f"{GRAPH}/User.Read"]))["access_token"])
    assert (graph["aud"], graph["scp"]) == (GRAPH, "User.Read"), graph
    token = good(app.acquire_token_on_behalf_of(assertion, [f"{GRAPH}/User.Read"]))["access_token"]
    me = requests.get(f"{EMULATOR}/v1.0/me", headers={"authorization": f"Bearer {token}"}, timeout=30)  # noqa: F405
    assert me.json()["userPrincipalName"] == "alice@contoso.test", me.text
    other = claims(good(app.acquire_token_on_behalf_of(assertion, [f"api://{SIBLING}/access"]))["access_token"])
    assert (other["aud"], other["azp"]) == (SIBLING, API), other


@check("on behalf of: refused for another app's token, for an app, without consent")
def _():
    app = confidential(API, "api-s3cret")
    read = [f"{GRAPH}/User.Read"]
    refused(500131, app.acquire_token_on_behalf_of(mint(app="SIBLING"), read))
    refused(7000114, app.acquire_token_on_behalf_of(mint(user=None), read))
    refused(65001, app.acquire_token_on_behalf_of(mint(), [f"{GRAPH}/Mail.Read"]))
