"""Measures a chunk's cost in the WebSocket protocol alone, without socket or application.

Takes the place of the event loop: feeds frames to the protocol class over a transport that
discards all output, and prints microseconds of processor time for each: whole binary frames that
are accepted at once and acknowledged, texts that pass through ASGI, and pings.
"""

import argparse
import asyncio
import base64
import os
import statistics
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from vivavoce.load.light_socket import BINARY, PING, TEXT, frame

REQUEST = (
    b"GET /v2/live?token=x HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
LEGACY = find_spec("vivavoce.server.line")
"""Module of the protocol, which is elsewhere in versions before 0.2."""

PROTOCOL: Any = (
    import_module("vivavoce.server.line").LineProtocol
    if LEGACY
    else import_module("vivavoce.server.websocket.protocol").WebSocketProtocol
)
ACK = b'{"type":"audio_chunk","acknowledged":true,"data":{"byte_range":[0,3200]}}' * 2


class Sink(asyncio.Transport):
    """Discards everything written."""

    def __init__(self) -> None:
        super().__init__({"sockname": ("127.0.0.1", 1), "peername": ("127.0.0.1", 2)})

    def write(self, data: Any) -> None:
        """Discard the data."""

    def is_closing(self) -> bool:
        """Return that it is never closing."""
        return False

    def close(self) -> None:
        """Do nothing."""

    def abort(self) -> None:
        """Do nothing."""

    def pause_reading(self) -> None:
        """Do nothing."""

    def resume_reading(self) -> None:
        """Do nothing."""


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Acknowledges everything received."""
    await receive()
    await send({"type": "websocket.accept"})
    peer = scope["extensions"]["vivavoce.peer"]
    paced = pace()
    peer.listen(lambda _audio: paced() and bool(peer.tell(ACK)))
    while (await receive())["type"] != "websocket.disconnect":
        await send({"type": "websocket.send", "text": "ok"})


def pace() -> Callable[[], bool]:
    """Count a chunk, as versions before 0.2 did outside the protocol."""
    if LEGACY is None:
        return lambda: True
    clock = asyncio.get_running_loop().time
    counted = import_module("vivavoce.server.pace").Pace(10**9, 10**9, clock())
    return lambda: bool(counted.spare(clock()))


async def cost(data: bytes, count: int, batch: int) -> float:
    """Return the microseconds of processor time per frame."""
    protocol = PROTOCOL(
        config=uvicorn.Config(
            application,
            lifespan="off",
            log_config=None,
            ws_max_size=1 << 25,
            ws_per_message_deflate=False,
        ),
        server_state=ServerState(),
        app_state={},
    )
    protocol.connection_made(Sink())
    protocol.data_received(REQUEST)
    await asyncio.sleep(0.01)
    if bucket := getattr(protocol, "_bucket", None):
        bucket._rate = bucket._burst = bucket._tokens = 10**9  # noqa: SLF001  no rate limit
    begun = time.process_time()
    for _ in range(count // batch):
        for _ in range(batch):
            protocol.data_received(data)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    spent = time.process_time() - begun
    protocol.connection_lost(None)
    return spent / count * 1e6


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    text = b'{"type":"audio_chunk","data":{"chunk":"' + base64.b64encode(os.urandom(3200)) + b'"}}'
    kinds = {
        "binary of 3,200 bytes, taken at once": (frame(BINARY, os.urandom(3200)), 64),
        "text of 4.3 kB, through ASGI": (frame(TEXT, text), 1),
        "empty ping": (frame(PING, b""), 64),
    }
    print(PROTOCOL.__name__)
    for name, (data, batch) in kinds.items():
        found = [asyncio.run(cost(data, options.count, batch)) for _ in range(options.rounds)]
        print(f"{name:40} least {min(found):6.2f}  median {statistics.median(found):6.2f} µs")


if __name__ == "__main__":
    main()
