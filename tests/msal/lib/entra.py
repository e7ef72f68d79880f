"""The emulator as the Python drivers see it, and how they tell run.mjs what they found.

Its address is $EMULATOR; its certificate authority is trusted by REQUESTS_CA_BUNDLE alone.
"""

import base64
import json
import os
import traceback
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import requests

EMULATOR = os.environ["EMULATOR"]
TENANT = "11111111-1111-1111-1111-111111111111"
AUTHORITY = f"{EMULATOR}/{TENANT}"

API = "a0000000-0000-4000-8000-000000000001"
API1 = "a0000000-0000-4000-8000-000000000002"
SIBLING = "a0000000-0000-4000-8000-000000000004"
DESKTOP = "c0000000-0000-4000-8000-000000000003"
WEB = "e0000000-0000-4000-8000-000000000001"
DAEMON = "d0000000-0000-4000-8000-000000000001"
GRAPH = "https://graph.microsoft.com"

ACCESS = f"api://{API}/access"
DEFAULT = f"api://{API}/.default"
WEB_REDIRECT = "https://gw.contoso.test/auth/callback"

KEYS = Path(__file__).resolve().parents[3] / "crates/entragate-emulator/keys"
CERTIFICATE = (KEYS / "client-certificate.pem").read_text()
KEY = (KEYS / "client-key.pem").read_text()


def sign_in(url, user="alice"):
    """Signs in at an authorize URL without a page; the parameters that come back."""
    answer = requests.get(url, headers={"x-emulator-user": user}, allow_redirects=False, timeout=30)
    assert answer.status_code == 302, f"no redirect but {answer.status_code}: {answer.text[:500]}"
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    return {name: values[0] for name, values in query.items()}


def approve_device(user_code, user="alice"):
    """What a person does at the device page."""
    form = {"user_code": user_code, "__emulator_user": user, "__emulator_device": "approve"}
    answer = requests.post(f"{EMULATOR}/common/oauth2/deviceauth", data=form, timeout=30)
    assert "Signed in" in answer.text, answer.text


def control(method, path, body=None):
    """A call of the control plane."""
    answer = requests.request(method, f"{EMULATOR}/__emulator{path}", json=body, timeout=30)
    assert answer.ok, answer.text
    return answer.json()


def mint(**request):
    """A token without a sign-in."""
    return control("POST", "/tokens", request)["token"]


def claims(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def check(name):
    """Runs the function at once and reports one line about it."""

    def run(work):
        try:
            work()
        except Exception:
            print(json.dumps({"name": name, "ok": False, "why": traceback.format_exc()}), flush=True)
        else:
            print(json.dumps({"name": name, "ok": True}), flush=True)

    return run
