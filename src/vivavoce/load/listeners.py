"""A separate program that sends silence in many sessions and times the acknowledgements.

``python -m vivavoce.load.listeners`` reads an ``Order`` from the first line of standard input,
opens its sessions, writes ``ready``, starts sending when a second line arrives, and writes a
``Tally`` when all sessions have ended. ``load.ingest`` starts the given number of drivers.
"""

import asyncio
import gc
import sys
import time
from contextlib import suppress
from importlib.util import find_spec
from urllib.parse import urlsplit

import msgspec

from vivavoce.audio.format import AudioFormat
from vivavoce.client import Client, VivavoceError
from vivavoce.load.light_socket import BINARY, TEXT, HandshakeError, LightSocket, frame
from vivavoce.load.voice import Voice
from vivavoce.protocol.request import InitRequest

READY = b"ready\n"
AT_ONCE = 16
"""Number of sessions opened concurrently."""
STEPS = 40
"""Groups of sessions, which send one after the other within each chunk's duration."""
FAREWELL_SECONDS = 60.0
STOP = b'{"type":"stop_recording"}'
NORMAL_CLOSURE = 1000
TENTH_MS = 10_000


class Order(msgspec.Struct, frozen=True):
    """The program's input; the silence is 16 kHz, mono, 16 bit."""

    url: str
    api_key: str
    request: InitRequest
    sessions: int
    seconds: float
    chunk_seconds: float


class Tally(msgspec.Struct, frozen=True):
    """The program's result.

    Attributes:
        sent: number of chunks sent.
        delays: time from each chunk's sending to its acknowledgement, in tenths of a millisecond.
        late: greatest delay of a sent chunk, in seconds.
        cpu: processor seconds of this program from the first chunk on.
        failures: problems of sessions that did not open or end correctly.
    """

    sent: int
    delays: list[int]
    late: float
    cpu: float
    failures: list[str]


class _Range(msgspec.Struct):
    byte_range: tuple[int, int] = (0, 0)


class _Ack(msgspec.Struct):
    """The part of a message that is read; messages of other types have other data."""

    type: str
    acknowledged: bool = False
    data: _Range | None = None


_ack = msgspec.json.Decoder(_Ack)


class Listener:
    """One session of silence."""

    def __init__(self, address: str, chunk_bytes: int, delays: list[int]) -> None:
        self.socket = LightSocket(urlsplit(address), self._take)
        self.sent: list[float] = []
        self.failure = ""
        self._chunk_bytes = chunk_bytes
        self._delays = delays
        self._answered = 0

    def send(self, chunk: bytes) -> None:
        """Send the next chunk."""
        self.sent.append(time.monotonic())
        self.socket.send(chunk)

    @property
    def unanswered(self) -> int:
        """Number of chunks not acknowledged."""
        return len(self.sent) - self._answered

    def _take(self, text: bytes) -> None:
        ack = _ack.decode(text)
        if ack.type != "audio_chunk":
            return
        if not ack.acknowledged or ack.data is None:
            self.failure = f"audio was refused: {text[:200].decode(errors='replace')}"
            return
        now = time.monotonic()
        upto = min(ack.data.byte_range[1] // self._chunk_bytes, len(self.sent))
        for at in range(self._answered, upto):
            self._delays.append(round((now - self.sent[at]) * TENTH_MS))
        self._answered = max(self._answered, upto)


class Listeners:
    """All sessions of an order."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._chunk = Voice(b"", AudioFormat()).silence(order.chunk_seconds).audio
        self._open: list[Listener] = []
        self._delays: list[int] = []
        self._failures: list[str] = []
        self._late = 0.0
        self._cpu = 0.0

    async def open(self) -> None:
        """Create the sessions and connect to them."""
        places = asyncio.Semaphore(AT_ONCE)
        async with Client(self._order.url, self._order.api_key, timeout=60) as client:

            async def one() -> None:
                async with places:
                    await self._open_one(client)

            async with asyncio.TaskGroup() as tasks:
                for number in range(self._order.sessions):
                    tasks.create_task(one(), name=f"open session {number}")

    async def _open_one(self, client: Client) -> None:
        try:
            session = await client.create(self._order.request)
            listener = Listener(session.url, len(self._chunk), self._delays)
            address = urlsplit(session.url)
            secure = address.scheme == "wss"
            await asyncio.get_running_loop().create_connection(
                lambda: listener.socket,
                address.hostname or "",
                address.port or (443 if secure else 80),
                ssl=secure or None,
            )
            await asyncio.wait_for(listener.socket.opened, 60)
        except (VivavoceError, HandshakeError, OSError, TimeoutError) as error:
            self._failures.append(f"could not open: {type(error).__name__}: {error}")
        else:
            self._open.append(listener)

    async def send(self) -> None:
        """Send silence in real time, one group of sessions after the other."""
        chunk = frame(BINARY, self._chunk)
        groups = [self._open[step::STEPS] for step in range(STEPS)]
        rounds = round(self._order.seconds / self._order.chunk_seconds)
        self._cpu = time.process_time()
        begun = time.monotonic()
        for turn in range(rounds * STEPS):
            due = begun + turn * self._order.chunk_seconds / STEPS
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            elif turn % STEPS == 0:
                await asyncio.sleep(0)  # must receive even when late
            self._late = max(self._late, time.monotonic() - due)
            for listener in groups[turn % STEPS]:
                listener.send(chunk)

    async def end(self) -> Tally:
        """Stop all sessions, wait until they end, and return the tally."""
        stop = frame(TEXT, STOP)
        for listener in self._open:
            listener.socket.send(stop)
        endings = [listener.socket.closed for listener in self._open]
        if endings:
            await asyncio.wait(endings, timeout=FAREWELL_SECONDS)
        for listener in self._open:
            if problem := _problem(listener):
                self._failures.append(problem)
        sent = sum(len(listener.sent) for listener in self._open)
        cpu = round(time.process_time() - self._cpu, 3)
        return Tally(sent, self._delays, round(self._late, 4), cpu, self._failures)


def _problem(listener: Listener) -> str:
    if listener.failure:
        return listener.failure
    if not listener.socket.closed.done():
        return f"had not ended {FAREWELL_SECONDS:g} s after its stop"
    if (code := listener.socket.closed.result()) != NORMAL_CLOSURE:
        return f"ended with {code}"
    return f"{listener.unanswered} chunks were never acknowledged" if listener.unanswered else ""


async def work() -> None:
    """Carry out the order on standard input."""
    read = sys.stdin.buffer.readline
    order = msgspec.json.decode(await asyncio.to_thread(read), type=Order)
    listeners = Listeners(order)
    await listeners.open()
    gc.freeze()  # a collection would visit every session and delay all sending
    _tell(READY)
    await asyncio.to_thread(read)
    await listeners.send()
    _tell(msgspec.json.encode(await listeners.end()) + b"\n")


def _tell(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def _loop() -> asyncio.AbstractEventLoop:
    """Return a uvloop event loop if it is installed, else the default one."""
    if find_spec("uvloop") is None:
        return asyncio.new_event_loop()
    import uvloop  # noqa: PLC0415  comes with the server extra

    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


if __name__ == "__main__":
    with suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=_loop) as runner:
        runner.run(work())
