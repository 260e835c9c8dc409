"""An endpoint for callbacks and webhooks that answers as it is told."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from integration.wire import Json

PATIENCE = 5
"""Seconds until a check gives up waiting for a delivery."""


class Receiver:
    """Keeps what is posted to it.

    Attributes:
        url: where to post to.
        bodies: what came, in order.
        calls: how many requests came, answered or not.
    """

    def __init__(self, *, dead: bool = False) -> None:
        self.url = ""
        self.bodies: list[Json] = []
        self.calls = 0
        self._dead = dead
        self._came = asyncio.Condition()
        self._serving: set[asyncio.Task[None]] = set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection in a task that ends with the receiver."""
        task = asyncio.create_task(self.handle(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def end(self) -> None:
        """Hang up on every caller."""
        serving = list(self._serving)
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection: one request, then it is closed."""
        self.calls += 1
        try:
            if self._dead:
                await reader.read()  # until the caller gives up
                return
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            size = int(head.split("content-length:")[1].split("\r\n")[0])
            self.bodies.append(json.loads(await reader.readexactly(size)))
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            await writer.drain()
        finally:
            writer.close()
        async with self._came:
            self._came.notify_all()

    async def until(self, event: str) -> list[Json]:
        """Everything that came once this event has."""
        async with asyncio.timeout(PATIENCE), self._came:
            await self._came.wait_for(lambda: event in [body["event"] for body in self.bodies])
        return self.bodies


@asynccontextmanager
async def receiver(*, dead: bool = False) -> AsyncIterator[Receiver]:
    """A receiver on a loopback port; a dead one never answers."""
    receiving = Receiver(dead=dead)
    async with await asyncio.start_server(receiving.accept, "127.0.0.1", 0) as server:
        receiving.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/callbacks"
        try:
            yield receiving
        finally:
            await receiving.end()
