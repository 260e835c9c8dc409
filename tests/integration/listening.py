"""Small HTTP servers in the test's own process, and a name server that says what it is told."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from vivavoce.delivery.addresses import Address, parsed

ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class Listener:
    """Answers everything alike.

    Attributes:
        port: where it listens.
        connections: so far.
        heads: of the requests that came.
    """

    def __init__(self, answer: bytes, *, once: bool) -> None:
        self.port = 0
        self.connections = 0
        self.heads: list[str] = []
        self._answer = answer
        self._once = once
        self._lines: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection."""
        self.connections += 1
        task = asyncio.create_task(self._serve(reader, writer), name="connection")
        self._lines.add(task)
        task.add_done_callback(self._lines.discard)

    async def cut(self) -> None:
        """End every connection."""
        for task in self._lines:
            task.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.heads.append(head.decode())
                size = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
                await reader.readexactly(int(size))
                writer.write(self._answer)
                if self._once:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the other side has what it wanted
        finally:
            writer.close()


@asynccontextmanager
async def listening(
    address: str = "127.0.0.1",
    *,
    port: int = 0,
    answer: bytes = ANSWER,
    tls: ssl.SSLContext | None = None,
    once: bool = False,
) -> AsyncIterator[Listener]:
    """A listener on a loopback address; ``once`` ends each connection after one answer."""
    listener = Listener(answer, once=once)
    try:
        server = await asyncio.start_server(listener.accept, address, port, ssl=tls)
    except OSError as error:
        pytest.skip(f"this machine has no {address}: {error}")
    async with server:
        listener.port = server.sockets[0].getsockname()[1]
        try:
            yield listener
        finally:
            server.close()
            await listener.cut()


class ScriptedResolver:
    """Gives one answer after the other, the last one again and again.

    Attributes:
        asked: hosts that were looked up.
    """

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def addresses(self, host: str, *_: object) -> Sequence[Address | None]:
        """The next answer."""
        self.asked.append(host)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [parsed(text) for text in answer]
