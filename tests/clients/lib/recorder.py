"""Notes every HTTP request of an httpx2 client in $EVIDENCE/requests.jsonl; the OAuth requests are among them."""

import json
import os
from pathlib import Path
from typing import Any

import httpx2

_FILE = Path(os.environ["EVIDENCE"]) / "requests.jsonl"


async def _note(response: httpx2.Response) -> None:
    request = response.request
    url = request.url
    origin = f"{url.scheme}://{url.netloc.decode()}"
    entry = {"method": request.method, "origin": origin, "path": url.path, "status": response.status_code}
    with _FILE.open("a") as file:
        file.write(json.dumps(entry) + "\n")


def recording_client(**settings: Any) -> httpx2.AsyncClient:
    """An HTTP client as the SDKs make it, that takes notes."""
    settings = {name: value for name, value in settings.items() if value is not None}
    return httpx2.AsyncClient(event_hooks={"response": [_note]}, **settings)
