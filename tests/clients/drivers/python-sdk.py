"""The Python SDK. It checks issuers to the byte and tries `server/discover` (2026-07-28) first."""

import os
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from types import SimpleNamespace

from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl

from callback import Callback
from recorder import recording_client
from session import Connected, session

URL = os.environ["MCP_URL"]


class Memory:
    """Keeps what the sign-in yields, as long as the process lives."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


async def open_browser(url: str) -> None:
    webbrowser.open(url)


@asynccontextmanager
async def connect() -> AsyncIterator[Connected]:
    async with Callback.listening() as callback:
        auth = OAuthClientProvider(
            server_url=URL,
            client_metadata=OAuthClientMetadata(
                client_name="Python SDK",
                redirect_uris=[AnyUrl(callback.url)],
                token_endpoint_auth_method="none",
            ),
            storage=Memory(),
            redirect_handler=open_browser,
            callback_handler=callback.wait,
            # The URL of a client ID metadata document, where the run has one.
            client_metadata_url=os.environ.get("CLIENT_METADATA_URL"),
        )
        async with recording_client(auth=auth, timeout=30) as http:
            async with Client(streamable_http_client(URL, http_client=http)) as client:

                async def list_tools() -> list[str]:
                    return [tool.name for tool in (await client.list_tools()).tools]

                yield SimpleNamespace(list_tools=list_tools, call_tool=client.call_tool)


session(version("mcp"), connect)
