"""Sealed access tokens of broker mode: each from a whole sign-in, as a client and a browser make it."""

import base64
import hashlib
import http.client
import json
import re
import secrets
import time
from html import unescape
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

CALLBACK = "http://localhost:5000/callback"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MOST_HOPS = 10


def ask(method, url, body=None, headers=None):
    """One request; waits where the gateway limits the rate of sign-ins."""
    parts = urlsplit(url)
    while True:
        server = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
        server.request(method, f"{parts.path}?{parts.query}" if parts.query else parts.path, body, headers or {})
        answer = server.getresponse()
        text = answer.read().decode()
        server.close()
        if answer.status != 429:
            return answer, text
        time.sleep(int(answer.getheader("Retry-After", "1")))


class Browser:
    """Keeps cookies, signs in at the emulator as bob, and approves the client on the gateway's page."""

    def __init__(self):
        self.cookies = {}

    def go(self, method, url, body=None):
        kept = self.cookies.setdefault(urlsplit(url).netloc, {})
        headers = {"X-Emulator-User": "bob", "Cookie": "; ".join(f"{name}={value}" for name, value in kept.items())}
        answer, text = ask(method, url, body, headers | (FORM if body else {}))
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.split(";")[0].partition("=")
            kept[name] = value
        return answer.getheader("Location"), text

    def approve(self, page, url):
        """The form of the consent page, with all that it hides."""
        form = next(form for form in re.findall(r"<form.*?</form>", page, re.S) if 'value="approve"' in form)
        hidden = [dict(re.findall(r'(\w+)="([^"]*)"', field)) for field in re.findall(r"<input[^>]*>", form)]
        fields = {field["name"]: unescape(field.get("value", "")) for field in hidden if field.get("type") == "hidden"}
        action = unescape(re.search(r'action="([^"]*)"', form).group(1))
        return self.go("POST", urljoin(url, action), urlencode(fields | {"decision": "approve"}))

    def sign_in(self, url):
        """Until the client's callback; its parameters."""
        location, text = self.go("GET", url)
        for _ in range(MOST_HOPS):
            if not location:
                location, text = self.approve(text, url)
            if not location:
                raise RuntimeError(f"no way on from {url}: {text[:400]}")
            url = urljoin(url, location)
            if url.startswith(CALLBACK):
                return parse_qs(urlsplit(url).query)
            location, text = self.go("GET", url)
        raise RuntimeError(f"no callback after {MOST_HOPS} pages")


def sign_in(base, client_id):
    """The answer of the token endpoint, after a person has signed in."""
    verifier = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code", "client_id": client_id, "redirect_uri": CALLBACK, "state": "xyz", "resource": f"{base}/mcp",
        "code_challenge": challenge, "code_challenge_method": "S256",
    }
    code = Browser().sign_in(f"{base}/oauth/authorize?{urlencode(query)}")["code"][0]
    form = {
        "grant_type": "authorization_code", "client_id": client_id, "code": code, "redirect_uri": CALLBACK,
        "code_verifier": verifier,
    }
    answer, text = ask("POST", f"{base}/oauth/token", urlencode(form), FORM)
    if answer.status != 200:
        raise RuntimeError(f"no token: {text}")
    return json.loads(text)


def register(base):
    """The id of a new client."""
    registration = json.dumps({"client_name": "Bench", "redirect_uris": [CALLBACK]})
    answer, text = ask("POST", f"{base}/oauth/register", registration, {"Content-Type": "application/json"})
    if answer.status != 201:
        raise RuntimeError(f"no registration: {text}")
    return json.loads(text)["client_id"]


def mint(base, count):
    """So many tokens from the gateway at `base`."""
    client_id = register(base)
    return [sign_in(base, client_id)["access_token"] for _ in range(count)]
