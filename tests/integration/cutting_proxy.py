"""A line between client and server that is cut when told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit


class CuttingProxy:
    """Forwards TCP; the n-th WebSocket is cut after ``cuts[n]`` bytes from the client."""

    def __init__(self, target: str, cuts: list[int]) -> None:
        address = urlsplit(target)
        self._host, self._port = address.hostname, address.port
        self._cuts = cuts
        self.sockets = 0
        self.addresses: list[str] = []

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        live = b"upgrade: websocket" in head.lower()
        self.sockets += live
        if live:
            self.addresses.append(head.split()[1].decode())
        left = self._cuts.pop(0) if live and self._cuts else None
        above, below = await asyncio.open_connection(self._host, self._port)
        below.write(head)
        down = asyncio.create_task(_pump(above, writer, None), name="down")
        await _pump(reader, below, left)
        await down

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        async with await asyncio.start_server(self.handle, "127.0.0.1", 0) as server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: int | None
) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(4096):
            if left is not None and (left := left - len(data)) <= 0:
                break
            writer.write(data)
            await writer.drain()
    writer.transport.abort()
