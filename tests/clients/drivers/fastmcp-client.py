"""FastMCP's client: `auth="oauth"` does everything, with its own callback server and the desktop's browser."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from types import SimpleNamespace

from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport

from recorder import recording_client
from session import Connected, session


@asynccontextmanager
async def connect() -> AsyncIterator[Connected]:
    transport = StreamableHttpTransport(os.environ["MCP_URL"], auth="oauth", httpx_client_factory=recording_client)
    async with Client(transport) as client:

        async def list_tools() -> list[str]:
            return [tool.name for tool in await client.list_tools()]

        async def call_tool(name: str, arguments: dict) -> object:
            return await client.call_tool(name, arguments, raise_on_error=False)

        yield SimpleNamespace(list_tools=list_tools, call_tool=call_tool)


session(version("fastmcp-slim"), connect)
