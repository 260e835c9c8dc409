"""Many sessions at once from a driver that costs little: what the server costs, and its acks.

`python bench/many_sessions.py --sessions 100,300,1000 [--speech FILE.wav] [--scripted]`

Frames are built by hand and acks are found by their end, so that a thousand sessions fit beside
the server on two cores. Sessions send chunks of 100 ms in real time, evenly spread. Without
`--speech` they are silent. `--scripted` has the server of the fault tests answer instead of a
model: what is left is everything that is not the model.
"""

import argparse
import asyncio
import base64
import json
import os
import re
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, cast
from urllib.parse import urlsplit

import httpx
import psutil
import soundfile
import uvloop

from vivavoce.cli.own_server import SERVE, own_server

CHUNK_SECONDS: Final = 0.1
CHUNK_BYTES: Final = 3200
WARM_SECONDS: Final = 3
RATE: Final = 16_000
PING, CLOSE, LONG = 9, 8, 126
SETTINGS: Final = {"VIVAVOCE_MAX_SESSIONS": "100000", "VIVAVOCE_OPEN_METRICS": "true"}
END: Final = re.compile(rb'"byte_range":\[\d+,(\d+)\]')
STALLS: Final = re.compile(r"^(vivavoce_loop_\S+) (\S+)$", re.MULTILINE)
ROOT: Final = Path(__file__).resolve().parent.parent


class Line(asyncio.Protocol):
    """One session's socket: sends prepared frames, notes when their acks came."""

    def __init__(self, path: str, host: str) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sent: list[float] = []
        self.delays: list[float] = []
        self.finals = 0
        self._path, self._host = path, host
        self._buffer = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self._transport = cast("asyncio.Transport", transport)
        key = base64.b64encode(os.urandom(16)).decode()
        self._transport.write(
            f"GET {self._path} HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Split into frames; the answer to the handshake comes first."""
        self._buffer += data
        if not self.opened.done():
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head:
                self.opened.set_exception(RuntimeError(head.decode(errors="replace")))
                return
            self._buffer = rest
            self.opened.set_result(None)
        while (frame := self._frame()) is not None:
            self._hear(*frame)

    def _frame(self) -> tuple[int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:  # noqa: PLR2004  the format's own numbers, here and below
            return None
        start, size = 2, buffer[1]
        if size == 126:  # noqa: PLR2004
            start, size = 4, int.from_bytes(buffer[2:4], "big")
        elif size == 127:  # noqa: PLR2004
            start, size = 10, int.from_bytes(buffer[2:10], "big")
        if len(buffer) < start + size:
            return None
        self._buffer = buffer[start + size :]
        return buffer[0] & 15, buffer[start : start + size]

    def _hear(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self._transport.write(_masked(0x8A, payload))
        elif opcode == CLOSE:
            self._transport.write(_masked(0x88, payload))
        elif found := END.search(payload):
            index = -(-int(found[1]) // CHUNK_BYTES) - 1
            self.delays.append(time.monotonic() - self.sent[index])
        elif b'"is_final":true' in payload:
            self.finals += 1

    def send(self, frame: bytes) -> None:
        """Send a prepared frame of audio."""
        self.sent.append(time.monotonic())
        self._transport.write(frame)

    def stop(self) -> None:
        """End the recording."""
        self._transport.write(_masked(0x81, b'{"type":"stop_recording"}'))

    def abort(self) -> None:
        """Leave without a word."""
        self._transport.abort()

    def connection_lost(self, _: Exception | None) -> None:
        """Over."""
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("closed before it opened"))
        if not self.closed.done():
            self.closed.set_result(None)


def _masked(first: int, payload: bytes) -> bytes:
    """A client's frame; a mask of zeros leaves the payload as it is."""
    size = len(payload)
    length = bytes((0x80 | size,)) if size < LONG else b"\xfe" + size.to_bytes(2, "big")
    return bytes((first,)) + length + bytes(4) + payload


def frames_of(speech: Path | None) -> list[bytes]:
    """The frames that every session sends, over and over."""
    if speech is None:
        return [_masked(0x82, bytes(CHUNK_BYTES))]
    samples, rate = soundfile.read(speech, dtype="int16", always_2d=True)
    if rate != RATE:
        raise SystemExit("the speech must have 16 kHz")
    audio = samples[:, 0].tobytes()
    whole = len(audio) // CHUNK_BYTES * CHUNK_BYTES
    return [_masked(0x82, audio[at : at + CHUNK_BYTES]) for at in range(0, whole, CHUNK_BYTES)]


async def open_lines(client: httpx.AsyncClient, url: str, count: int) -> list[Line]:
    """Make sessions and connect to them, a few at a time."""
    host, port = urlsplit(url).hostname or "", urlsplit(url).port or 80
    loop = asyncio.get_running_loop()
    gate = asyncio.Semaphore(8)

    async def one() -> Line:
        async with gate:
            answer = await client.post("/v2/live", json={"endpointing": 0.3})
            target = urlsplit(answer.raise_for_status().json()["url"])
            line = Line(f"{target.path}?{target.query}", f"{host}:{port}")
            await loop.create_connection(lambda: line, host, port)
            await line.opened
            return line

    return await asyncio.gather(*(one() for _ in range(count)))


Pace = Callable[[list[Line], list[bytes], float], Awaitable[float]]


async def in_real_time(lines: list[Line], frames: list[bytes], seconds: float) -> float:
    """Have every line send in real time, evenly spread; returns how late the driver was."""
    begun = time.monotonic()
    late = 0.0
    offset = len(frames) / len(lines)
    for tick in range(round(seconds / CHUNK_SECONDS) * len(lines)):
        chunk, index = divmod(tick, len(lines))
        due = begun + (chunk + index / len(lines)) * CHUNK_SECONDS
        now = time.monotonic()
        if due > now + 0.0005:
            await asyncio.sleep(due - now)
        elif index % 16 == 0:
            await asyncio.sleep(0)
        late = max(late, time.monotonic() - due)
        lines[index].send(frames[(chunk + int(index * offset)) % len(frames)])
    return late


async def in_step(lines: list[Line], frames: list[bytes], seconds: float) -> float:
    """Have every line send its next chunk when all have the ack of the last one.

    What that costs a chunk hardly depends on what else the machine does, and commits are as full
    as with twenty times as many sessions in real time.
    """
    for chunk in range(round(seconds / CHUNK_SECONDS)):
        for line in lines:
            line.send(frames[chunk % len(frames)])
        while any(len(line.delays) < len(line.sent) for line in lines):  # noqa: ASYNC110  as cheap
            await asyncio.sleep(0.002)
    return 0.0


def cpu(process: psutil.Process) -> tuple[float, float]:
    """Processor seconds of a server itself, and of its workers."""
    own = process.cpu_times()
    children = [child.cpu_times() for child in process.children(recursive=True)]
    return own.user + own.system, sum(times.user + times.system for times in children)


async def measure(  # noqa: PLR0917  the facts of one run
    url: str, key: str, pid: int, count: int, frames: list[bytes], seconds: float, speak: Pace
) -> dict[str, object]:
    """One run."""
    server = psutil.Process(pid)
    async with httpx.AsyncClient(base_url=url, headers={"x-gladia-key": key}, timeout=60) as client:
        lines = await open_lines(client, url, count)
        await speak(lines, frames, WARM_SECONDS)
        settled = [len(line.delays) for line in lines]
        before, began = cpu(server), time.monotonic()
        me = time.process_time()
        late = await speak(lines, frames, seconds)
        after, took = cpu(server), time.monotonic() - began
        driver = time.process_time() - me
        own, workers = server.memory_info().rss, server.children(recursive=True)
        delays = sorted(
            delay for line, at in zip(lines, settled, strict=True) for delay in line.delays[at:]
        )
        stopping = time.monotonic()
        for line in lines:
            line.stop()
        await asyncio.wait([line.closed for line in lines], timeout=60)
        stopped = time.monotonic() - stopping
        metrics = (await client.get("/metrics")).text
    expected = round(seconds / CHUNK_SECONDS) * count
    session_seconds = seconds * count
    return {
        "sessions": count,
        "seconds": round(took, 1),
        "cpu_ms_per_session_second": round(1e3 * (after[0] - before[0]) / session_seconds, 3),
        "worker_ms_per_session_second": round(1e3 * (after[1] - before[1]) / session_seconds, 3),
        "cores": round((after[0] - before[0]) / took, 3),
        "driver_cores": round(driver / took, 3),
        "acks": f"{len(delays)} of {expected}",
        "ack_ms": {q: round(1e3 * delays[int(len(delays) * q / 100)], 1) for q in (50, 95, 99)},
        "driver_late_ms": round(1e3 * late, 1),
        "finals": sum(line.finals for line in lines),
        "resident_mb": round(own / 2**20, 1),
        "worker_mb": round(sum(worker.memory_info().rss for worker in workers) / 2**20, 1),
        "all_closed_s": round(stopped, 2),
        "loop": dict(STALLS.findall(metrics)),
    }


async def main() -> None:
    """Measure each number of sessions, on one server or on a fresh one each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", default="100")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--speech", type=Path)
    parser.add_argument("--scripted", action="store_true")
    parser.add_argument("--real-time-factor", default="0.02")
    parser.add_argument("--in-step", action="store_true", help=in_step.__doc__)
    parser.add_argument("--url")
    parser.add_argument("--key", default="")
    parser.add_argument("--pid", type=int)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    frames = frames_of(given.speech)
    rows = []
    async with AsyncExitStack() as stack:
        url, key, pid = given.url, given.key, given.pid
        if url is None:
            folder = stack.enter_context(TemporaryDirectory(prefix="vivavoce-"))
            script = (sys.executable, str(ROOT / "tests/faults/scripted_server.py"))
            where = ("--port", "0", "--data", f"{folder}/data")
            factor = ("--real-time-factor", given.real_time_factor)
            command = (*script, *where, *factor) if given.scripted else SERVE
            own = await stack.enter_async_context(own_server(command=command, settings=SETTINGS))
            url, key, pid = own.url, own.api_key, own.pid
        sys.stderr.write(f"{url} {pid}\n")
        for count in map(int, given.sessions.split(",")):
            pace = in_step if given.in_step else in_real_time
            rows.append(await measure(url, key, pid, count, frames, given.seconds, pace))
            print(json.dumps(rows[-1]), flush=True)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    uvloop.run(main())
