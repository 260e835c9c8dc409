"""A TCP line that stalls in either direction: nothing is lost, and everything comes later."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit


class StallingProxy:
    """Forwards TCP while its ways are open.

    Attributes:
        up: set while bytes of clients are passed on.
        down: set while bytes of the server are.
    """

    def __init__(self, target: str) -> None:
        address = urlsplit(target)
        self._host, self._port = address.hostname, address.port
        self.up, self.down = asyncio.Event(), asyncio.Event()
        self.up.set()
        self.down.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """The address to use in the server's place."""
        async with await asyncio.start_server(self._forward, "127.0.0.1", 0) as server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def stall(self, *ways: asyncio.Event, seconds: float) -> None:
        """Hold ways up for a time."""
        for way in ways:
            way.clear()
        await asyncio.sleep(seconds)
        for way in ways:
            way.set()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        above, below = await asyncio.open_connection(self._host, self._port)
        async with asyncio.TaskGroup() as both:
            both.create_task(_pump(reader, below, self.up), name="up")
            both.create_task(_pump(above, writer, self.down), name="down")


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: asyncio.Event
) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(4096):
            await way.wait()
            writer.write(data)
            await writer.drain()
    writer.close()
