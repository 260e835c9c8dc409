"""Both servers on real sockets of this machine, a server for each case."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from uvicorn.server import ServerState
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from websocket_suite.cases import Case
from websocket_suite.memory import Application, HttpEndpoint, settings
from websocket_suite.oracle import QUIET
from websocket_suite.outcome import Outcome, read_output

PATIENCE = 5.0
STEP = 0.002
"""Seconds between two parts, so that one is read before the next."""


@asynccontextmanager
async def our_server(case: Case, messages: list[str | bytes]) -> AsyncIterator[int]:
    """Our endpoints; gives the port."""
    app = Application(case.hold, messages=messages)
    config, state = settings(app, case.max_size), ServerState()
    loop = asyncio.get_running_loop()

    def endpoint() -> asyncio.Protocol:
        made: asyncio.Protocol = HttpEndpoint(config=config, server_state=state, app_state={})
        return made

    server = await loop.create_server(endpoint, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for connection in tuple(state.connections):
            connection.shutdown()
            if transport := getattr(connection, "transport", None):
                transport.abort()
        await asyncio.gather(*tuple(state.tasks), return_exceptions=True)


@asynccontextmanager
async def library_server(case: Case, messages: list[str | bytes]) -> AsyncIterator[int]:
    """The library's server; gives the port."""

    async def note(connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in connection:
                messages.append(message)  # noqa: PERF401  others look at it meanwhile

    server = await serve(
        note,
        "127.0.0.1",
        0,
        max_size=case.max_size,
        compression=None,
        ping_interval=None,
        close_timeout=0.1,
        logger=QUIET,
    )
    try:
        yield next(iter(server.sockets)).getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


async def outcome_over_socket(
    port: int, parts: Sequence[bytes], messages: list[str | bytes], wanted: Outcome
) -> Outcome:
    """What a server makes of the parts, looked at once it did as much as is wanted."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    written = bytearray()
    found = Outcome(messages=messages)

    async def read() -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                written.extend(data)
        found.ended = True

    reading = asyncio.create_task(read())
    try:
        with contextlib.suppress(ConnectionError):
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(STEP)
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE
        while loop.time() < until:
            await asyncio.sleep(STEP)
            seen = Outcome(messages=messages, ended=found.ended)
            with contextlib.suppress(AssertionError):  # in the middle of an answer
                read_output(seen, bytes(written))
            if seen == wanted or found.ended:
                break
    finally:
        reading.cancel()
        writer.transport.abort()
    read_output(found, bytes(written))
    return found
