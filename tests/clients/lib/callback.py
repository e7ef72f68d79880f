"""A callback on a free port of localhost: the part of OAuth that the Python SDK leaves to the application."""

import asyncio
from contextlib import asynccontextmanager
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

from mcp.shared.auth import AuthorizationCodeResult

PATIENCE_SECONDS = 30
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nSigned in. You may close this window.\n"


class Callback:
    """Listens until the browser has come back once."""

    def __init__(self) -> None:
        self.url = ""
        self._arrival: asyncio.Future[dict[str, list[str]]] = asyncio.get_running_loop().create_future()

    @classmethod
    @asynccontextmanager
    async def listening(cls) -> AsyncIterator["Callback"]:
        callback = cls()
        async with await asyncio.start_server(callback._answer, "127.0.0.1", 0) as server:
            callback.url = f"http://localhost:{server.sockets[0].getsockname()[1]}/callback"
            yield callback

    async def wait(self) -> AuthorizationCodeResult:
        """What the browser brought."""
        came = await asyncio.wait_for(self._arrival, PATIENCE_SECONDS)
        if "error" in came:
            raise RuntimeError(f"{came['error'][0]}: {came.get('error_description', [''])[0]}")
        value = {name: came.get(name, [None])[0] for name in ("code", "state", "iss")}
        return AuthorizationCodeResult(**value)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = (await reader.readline()).split(b" ")[1].decode()
        while (await reader.readline()).strip():
            pass
        writer.write(ANSWER)
        await writer.drain()
        writer.close()
        if not self._arrival.done():
            self._arrival.set_result(parse_qs(urlsplit(target).query))
