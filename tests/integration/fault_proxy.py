"""A TCP line between client and server that breaks at scripted moments."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Cut:
    """How one WebSocket breaks.

    Attributes:
        after: bytes from the client that still reach the server.
        losing: bytes before that from which on nothing of the server reaches the client: what
            it acknowledges meanwhile is lost. With 0 everything that the server sent arrives.
    """

    after: int
    losing: int = 0


class FaultProxy:
    """Forwards TCP; the n-th WebSocket breaks as ``cuts[n]`` says, later ones hold.

    Attributes:
        sockets: WebSockets so far.
    """

    def __init__(self, target: str, cuts: Sequence[Cut]) -> None:
        address = urlsplit(target)
        self._host, self._port = address.hostname, address.port
        self._cuts = list(cuts)
        self.sockets = 0
        self._lines: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """The address to use in the server's place."""
        async with await asyncio.start_server(self._accept, "127.0.0.1", 0) as server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            for task in self._lines:
                task.cancel()
            await asyncio.gather(*self._lines, return_exceptions=True)

    def _accept(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._forward(client, back), name="line")
        self._lines.add(task)
        task.add_done_callback(self._lines.discard)

    async def _forward(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        async with AsyncExitStack() as stack:
            stack.callback(back.transport.abort)
            stack.enter_context(suppress(ConnectionError, asyncio.IncompleteReadError))
            head = await client.readuntil(b"\r\n\r\n")
            live = b"upgrade: websocket" in head.lower()
            self.sockets += live
            cut = self._cuts.pop(0) if live and self._cuts else None
            server, forth = await asyncio.open_connection(self._host, self._port)
            stack.callback(forth.transport.abort)
            forth.write(head)
            deaf = asyncio.Event()
            async with asyncio.TaskGroup() as both:
                # What the server sends before it sees the end arrives, unless it is to be lost.
                both.create_task(_down(server, back, deaf), name="down")
                both.create_task(_up(client, forth, cut, deaf), name="up")


async def _up(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    cut: Cut | None,
    deaf: asyncio.Event,
) -> None:
    """Client to server, as far as the cut allows; then the server sees the end."""
    left = cut.after if cut else None
    with suppress(OSError):  # the end of a stream that is gone is no ConnectionError
        while left != 0 and (data := await reader.read(4096 if left is None else min(left, 4096))):
            writer.write(data)
            await writer.drain()
            if cut and left is not None:
                left -= len(data)
                if left < cut.losing:
                    deaf.set()
        writer.write_eof()


async def _down(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deaf: asyncio.Event
) -> None:
    """Server to client, until the line is deaf that way."""
    with suppress(ConnectionError):
        while data := await reader.read(4096):
            if not deaf.is_set():
                writer.write(data)
                await writer.drain()
    writer.close()
