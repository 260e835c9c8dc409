"""Measures how published clients behave when they reconnect to a session that has ended.

A stand-in for the server accepts the first connection, breaks it (for the SDKs after their stop,
for Pipecat during its audio) or closes it with 1000, and answers every later handshake in one of
three ways: 403, 101 and a close with 4403, or 4403 once and then 403. Printed for each client:
attempts in seconds after the break, the events its user receives, and when the client gives up.

Needs the clients of `make clients`; decision 25 has the figures.
"""

import argparse
import asyncio
import contextlib
import json
import sys
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

ROOT = Path(__file__).parents[1]
CLIENTS = ROOT / "tests" / "clients"
NODE = CLIENTS / "node"
DRIVERS = CLIENTS / "drivers"
PIPECAT = ROOT / ".venv-clients" / "pipecat" / "bin" / "python"
LIMIT = 75.0
SESSION = "0b8f3e2c-0000-4000-8000-000000000000"
AUDIO_BEFORE_CLOSE = 32_000
SKEW = 0.1
"""Seconds by which an event may be recorded before the break that caused it."""
ANSWERS = ("403", "4403", "4403 once")

COMMANDS: dict[str, tuple[list[str], dict[str, bool]]] = {
    "@gladiaio/sdk": (["node", str(NODE / "finished.mjs")], {}),
    "gladiaio-sdk, sync": ([sys.executable, str(DRIVERS / "drive_finished_sdk.py")], {}),
    "gladiaio-sdk, asyncio": (
        [sys.executable, str(DRIVERS / "drive_finished_sdk.py")],
        {"asynchronous": True},
    ),
    "pipecat-ai": ([str(PIPECAT), str(DRIVERS / "drive_finished_pipecat.py")], {}),
    "pipecat-ai after 1000": (
        [str(PIPECAT), str(DRIVERS / "drive_finished_pipecat.py")],
        {"closed": True},
    ),
}


@dataclass
class Finished:
    """A session that ends with its first connection."""

    answer: str
    closes: bool = False
    address: str = ""
    broken_at: float = 0.0
    attempts: list[float] = field(default_factory=list)

    async def converse(self, socket: ServerConnection) -> None:
        """Serve a connection that was accepted."""
        if self.broken_at:
            error = {"message": "the session has ended", "status_code": 403}
            message = {"type": "error", "error": error, "data": {"code": "session_ended"}}
            await socket.send(json.dumps(message))
            await socket.close(4403, "the session has ended")
            return
        position = 0
        with contextlib.suppress(ConnectionClosed):
            async for text in socket:
                if isinstance(text, str) and "stop_recording" in text:
                    self.broken_at = time.time()
                    socket.transport.abort()
                    return
                position += len(text) if isinstance(text, bytes) else 640
                if position > AUDIO_BEFORE_CLOSE:
                    self.broken_at = time.time()
                    if self.closes:
                        await socket.close(1000)
                    else:
                        socket.transport.abort()
                    return

    def check(self, socket: ServerConnection, _: Request) -> Response | None:
        """Refuse a handshake after the end of the session, or accept it."""
        if not self.broken_at:
            return None
        self.attempts.append(time.time() - self.broken_at)
        refused = self.answer == "403" or (self.answer == "4403 once" and len(self.attempts) > 1)
        return socket.respond(HTTPStatus.FORBIDDEN, "\n") if refused else None

    async def create(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer ``POST /v2/live``."""
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if b"content-length: " in head:
            size = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(size)
        now = "2026-11-30T08:00:00.000Z"
        body = json.dumps({"id": SESSION, "created_at": now, "url": self.address}).encode()
        writer.write(
            b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\nconnection: close\r\n"
            b"content-length: %d\r\n\r\n%s" % (len(body), body)
        )
        await writer.drain()
        writer.close()


async def measure(name: str, answer: str) -> None:
    """Run one client against one kind of answer and print the result."""
    command, extra = COMMANDS[name]
    session = Finished(answer, closes=bool(extra.get("closed")))
    async with (
        serve(session.converse, "127.0.0.1", 0, process_request=session.check) as sockets,
        await asyncio.start_server(session.create, "127.0.0.1", 0) as http,
    ):
        port = next(iter(sockets.sockets)).getsockname()[1]
        session.address = f"ws://127.0.0.1:{port}/v2/live?token=t"
        url = f"http://127.0.0.1:{http.sockets[0].getsockname()[1]}"
        task = {"key": "key", "url": url, "limit": LIMIT} | extra
        process = await asyncio.create_subprocess_exec(
            *command,
            json.dumps(task),
            cwd=NODE if "node" in command[0] else DRIVERS,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        output, _ = await process.communicate()
    print(f"\n{name}, {answer}")
    print("  attempts:", " ".join(f"{at:.2f}" for at in session.attempts))
    for line in output.decode().splitlines():
        event = json.loads(line)
        after = event["at"] - session.broken_at
        if session.broken_at and after >= -SKEW:
            shown = {
                k: v for k, v in event.items() if k not in {"event", "at"} and v not in {None, ""}
            }
            print(f"  {after:6.2f} s  {event['event']}  {shown or ''}")


async def main() -> None:
    """Measure the named clients, or all."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("clients", nargs="*", default=list(COMMANDS))
    for name in arguments.parse_args().clients:
        for answer in ANSWERS:
            await measure(name, answer)


if __name__ == "__main__":
    asyncio.run(main())
