"""`lib/session.mjs` with the Python SDK: one session with $MCP_URL as $PLAN says, noted in $SEEN."""

import asyncio
import json
import os
import re
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

URL = os.environ["MCP_URL"]
PLAN = json.loads(os.environ["PLAN"])
HEADERS = {"Authorization": f"Bearer {os.environ['TOKEN']}"} if os.environ["TOKEN"] else {}
SESSION_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z?|\d{1,2}:\d\d:\d\d( [AP]M)?")


def plain(value: Any) -> Any:
    """As JSON, without what differs from one session to the next."""
    text = json.dumps(value, default=lambda inner: inner.model_dump(mode="json", exclude_none=True))
    return json.loads(TIME.sub("<time>", SESSION_ID.sub("<id>", text)))


async def attempt(work: Any) -> Any:
    try:
        return plain(await work)
    except Exception as error:
        return {"error": type(error).__name__, "message": plain(str(error))}


async def main() -> None:
    async with httpx2.AsyncClient(headers=HEADERS, timeout=30) as http:
        sse = PLAN.get("transport") == "sse"
        transport = sse_client(URL, headers=HEADERS) if sse else streamable_http_client(URL, http_client=http)
        patience = PLAN["patience"] / 1000 if "patience" in PLAN else None
        async with Client(transport, mode=PLAN.get("mode", "auto"), read_timeout_seconds=patience) as client:
            Path(os.environ["SEEN"]).write_text(json.dumps(await held(client), indent=2))


async def held(client: Client) -> dict[str, Any]:
    seen: dict[str, Any] = {"revision": client.protocol_version, "server": plain(client.server_info)}
    seen["tools"] = await attempt(client.list_tools())
    seen["prompts"] = await attempt(client.list_prompts())
    seen["resources"] = await attempt(client.list_resources())
    for name, arguments in PLAN["calls"]:
        progress: list[Any] = []

        async def note(done: float, total: float | None, message: str | None, into: list[Any] = progress) -> None:
            into.append([done, total, message])

        result = await attempt(client.call_tool(name, arguments, progress_callback=note))
        seen[f"call {name} {json.dumps(arguments)}"] = {"result": result, "progress": progress}
    for name, arguments in PLAN["prompts"]:
        seen[f"prompt {name}"] = await attempt(client.get_prompt(name, arguments))
    for uri in PLAN["resources"]:
        seen[f"resource {uri}"] = await attempt(client.read_resource(uri))
    return seen


asyncio.run(main())
