"""What both Python drivers do with a connected client: `session.mjs`, in Python."""

import asyncio
import json
import os
import sys
import time
import traceback
import urllib.request
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

EVIDENCE = Path(os.environ["EVIDENCE"])
TWO_HOURS = 7200
PATIENCE_SECONDS = 10


class Connected(Protocol):
    """A client that is signed in."""

    list_tools: Callable[[], Awaitable[list[str]]]
    call_tool: Callable[[str, dict[str, Any]], Awaitable[Any]]


def session(version: str, connect: Callable[[], AbstractAsyncContextManager[Connected]]) -> None:
    """Lists, calls, is refused, calls again, and once more after the token has expired."""
    seen: dict[str, Any] = {"version": version}
    try:
        asyncio.run(_run(connect, seen))
    except BaseException:
        seen["error"] = traceback.format_exc()
    (EVIDENCE / "seen.json").write_text(json.dumps(seen, indent=2))
    sys.exit("error" in seen)


async def _run(connect: Callable[[], AbstractAsyncContextManager[Connected]], seen: dict[str, Any]) -> None:
    async with connect() as client:
        seen["connected"] = True
        seen["tools"] = await client.list_tools()
        seen["echo"] = _told(await client.call_tool("echo", {"message": "hello"}))
        seen["logLengthBeforeRefusal"] = len(_control("requests"))
        seen["guarded"] = _told(await client.call_tool("get-env", {}))
        seen["conditional"] = _told(await client.call_tool("get-sum", {"a": 5000, "b": 1}))
        seen["echoAfterwards"] = _told(await client.call_tool("echo", {"message": "still here"}))
        seen["logLengthAfterRefusal"] = len(_control("requests"))
        seen["logLengthAtExpiry"] = len(_control("requests"))
        _advance(TWO_HOURS)
        seen["echoAfterExpiry"] = _told(await client.call_tool("echo", {"message": "later"}))


def _told(result: Any) -> dict[str, Any]:
    return {"isError": result.is_error is True, "text": result.content[0].text if result.content else ""}


def _advance(seconds: int) -> None:
    """Lets time pass, here too: the Python SDK refreshes when its own clock says that the token has expired (a 401
    makes it sign in anew)."""
    _control("clock", {"advance_seconds": seconds})
    now = time.time
    time.time = lambda: now() + seconds


def _control(path: str, body: dict[str, Any] | None = None) -> Any:
    request = urllib.request.Request(
        f"{os.environ['EMULATOR_URL']}/__emulator/{path}",
        data=json.dumps(body).encode() if body else None,
        headers={"Content-Type": "application/json"} if body else {},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as response:
        return json.load(response)
