"""An endpoint for callbacks and webhooks, as a program, that misbehaves as it is told.

Usage: python scripted_receiver.py --log FILE [--port N] [--certificate PEM]

It prints its port. Commands come as lines of JSON on standard input (``Command``); each is
answered with a line once it is in force. Every request is appended to the log, one JSON line
each (``Received``), before it is answered.
"""

import argparse
import asyncio
import gzip
import itertools
import socket
import ssl
import struct
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec

MAX_HEAD = 256 * 1024
CHUNK = 64 * 1024
DRIP_SECONDS = 0.02
ENDLESS = 200_000
"""Headers or chunks after which even an endless answer ends, should nobody hang up."""

Deed = Literal[
    "answer",  # with ``status``, ``headers`` and ``body``
    "slow",  # the same after ``seconds``
    "silent",  # read everything, answer nothing, for ``seconds``
    "reset",  # a TCP reset instead of an answer
    "reset-head",  # a TCP reset within the headers of the answer
    "reset-body",  # a TCP reset within its body
    "hang-up",  # an orderly end of the connection instead of an answer
    "drip",  # the answer's head byte by byte, without end
    "drip-body",  # the answer's body byte by byte, without end
    "huge-body",  # gigabytes
    "endless-headers",
    "long-header",  # one line without end
    "endless-informational",  # 103, again and again
    "bomb",  # a small body that unpacks to a large one
    "garbage",  # what is no HTTP at all
]


class Step(msgspec.Struct, frozen=True):
    """How one request is answered."""

    do: Deed = "answer"
    status: int = 200
    headers: Mapping[str, str] = {}
    body: str = ""
    seconds: float = 0


class Command(msgspec.Struct, frozen=True):
    """Sets what one path does, ``*`` for every path without orders, or closes the port.

    Attributes:
        steps: for the next requests, one each.
        then: for all after them.
        listening: false refuses connections from now on and cuts the open ones.
    """

    path: str = "*"
    steps: tuple[Step, ...] = ()
    then: Step = Step()
    listening: bool = True


class Received(msgspec.Struct, frozen=True):
    """A request as it came.

    Attributes:
        order: of arrival, from 0.
        at: seconds of the machine's monotonic clock.
        did: how it is answered.
    """

    order: int
    at: float
    method: str
    path: str
    headers: Mapping[str, str]
    body: str
    did: Step


class Script:
    """What each path has been told to do."""

    def __init__(self) -> None:
        self._commands: dict[str, Command] = {"*": Command()}

    def obey(self, command: Command) -> None:
        """From now on."""
        self._commands[command.path] = command

    def next(self, path: str) -> Step:
        """What to do with a request."""
        command = self._commands.get(path) or self._commands["*"]
        if not command.steps:
            return command.then
        rest = msgspec.structs.replace(command, steps=command.steps[1:])
        self._commands[command.path] = rest
        return command.steps[0]


class Receiver:
    """Serves requests by the script, and logs them."""

    def __init__(self, script: Script, log: BinaryIO) -> None:
        self._script = script
        self._log = log
        self._order = itertools.count()
        self._lines: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side ends it."""
        task = asyncio.create_task(self._serve(reader, writer), name="connection")
        self._lines[writer] = task
        task.add_done_callback(lambda _: self._lines.pop(writer))

    async def cut(self) -> None:
        """End every connection at once."""
        for line, task in self._lines.items():
            line.transport.abort()
            task.cancel()
        await asyncio.gather(*self._lines.values(), return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, TimeoutError):
                while await self._request(reader, writer):
                    pass
        finally:
            writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection may carry another request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        start, *lines = head.rstrip().split("\r\n")
        method, path, _ = start.split(" ", 2)
        pairs = (line.split(":", 1) for line in lines)
        headers = {name.lower(): value.strip() for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        step = self._script.next(path)
        self._note(method, path, headers, body, step)
        if step.do in ("answer", "slow"):
            await asyncio.sleep(step.seconds)
            writer.write(_answer(step))
            await writer.drain()
            return True
        await MISDEEDS[step.do](step, reader, writer)
        return False

    def _note(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, step: Step
    ) -> None:
        text = body.decode(errors="replace")
        at = time.monotonic()
        received = Received(next(self._order), at, method, path, headers, text, step)
        self._log.write(msgspec.json.encode(received) + b"\n")
        self._log.flush()


def _answer(step: Step) -> bytes:
    body = step.body.encode()
    named = "".join(f"{name}: {value}\r\n" for name, value in step.headers.items())
    return f"HTTP/1.1 {step.status} X\r\ncontent-length: {len(body)}\r\n{named}\r\n".encode() + body


Misdeed = Callable[[Step, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _silent(step: Step, reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    async with asyncio.timeout(step.seconds or None):
        await reader.read()


async def _reset(_: Step, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await writer.drain()
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _reset_after(start: str) -> Misdeed:
    async def reset(step: Step, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start.format(status=step.status).encode())
        await writer.drain()
        await asyncio.sleep(0.05)  # so that what was written leaves before the reset
        await _reset(step, reader, writer)

    return reset


async def _hang_up(_: Step, __: asyncio.StreamReader, ___: asyncio.StreamWriter) -> None:
    """Nothing: the connection ends."""


def _endless(start: str, piece: bytes, pause: float = 0) -> Misdeed:
    async def pour(step: Step, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start.format(status=step.status).encode())
        async for part in _pieces(piece, pause):
            writer.write(part)
            await writer.drain()

    return pour


async def _pieces(piece: bytes, pause: float) -> AsyncIterator[bytes]:
    for _ in range(ENDLESS):
        yield piece
        await asyncio.sleep(pause)


async def _bomb(step: Step, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    body = gzip.compress(bytes(32 * 1024 * 1024), compresslevel=1)  # soon enough on a busy machine
    head = f"HTTP/1.1 {step.status} X\r\ncontent-encoding: gzip\r\ncontent-length: {len(body)}"
    writer.write(head.encode() + b"\r\n\r\n" + body)
    await writer.drain()


MISDEEDS: dict[str, Misdeed] = {
    "silent": _silent,
    "reset": _reset,
    "reset-head": _reset_after("HTTP/1.1 {status} X\r\ncontent-le"),
    "reset-body": _reset_after("HTTP/1.1 {status} X\r\ncontent-length: 1000\r\n\r\nhalf"),
    "hang-up": _hang_up,
    "drip": _endless("HTTP/1.1 {status} X\r\nx: ", b"a", DRIP_SECONDS),
    "drip-body": _endless(
        "HTTP/1.1 {status} X\r\ncontent-length: 1000000\r\n\r\n", b"a", DRIP_SECONDS
    ),
    "huge-body": _endless(
        "HTTP/1.1 {status} X\r\ncontent-length: 10000000000\r\n\r\n", bytes(CHUNK)
    ),
    "endless-headers": _endless("HTTP/1.1 {status} X\r\n", b"x-more: more\r\n" * 100),
    "long-header": _endless("HTTP/1.1 {status} X\r\nx: ", b"a" * 1000),
    "endless-informational": _endless("", b"HTTP/1.1 103 Early\r\n\r\n" * 100),
    "bomb": _bomb,
    "garbage": _endless("SSH-2.0-OpenSSH\r\n", b"\x00\xff\r\n"),
}


class Door:
    """The listening port, which can be closed and opened again."""

    def __init__(self, receiver: Receiver, tls: ssl.SSLContext | None, port: int) -> None:
        self._receiver = receiver
        self._tls = tls
        self._server: asyncio.Server | None = None
        self.port = port

    async def open(self) -> None:
        """Listen, on the same port as before."""
        if self._server is None:
            self._server = await asyncio.start_server(
                self._receiver.accept, "127.0.0.1", self.port, ssl=self._tls, limit=MAX_HEAD
            )
            self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Refuse connections, and cut those that are there."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._receiver.cut()


async def run(options: argparse.Namespace) -> None:
    """Serve until standard input ends."""
    script = Script()
    with options.log.open("ab") as log:
        door = Door(Receiver(script, log), _tls(options.certificate), options.port)
        await door.open()
        _say(str(door.port))
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.buffer.readline):
            command = msgspec.json.decode(line, type=Command)
            script.obey(command)
            await (door.open() if command.listening else door.close())
            _say("done")
        await door.close()


def _tls(certificate: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--certificate", type=Path, help="PEM: key and chain; speaks TLS with it")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
