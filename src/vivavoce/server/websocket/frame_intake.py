"""Reads frames at a bounded rate for each connection, and a bounded number at a time."""

import asyncio
from collections.abc import Callable

from vivavoce.server.websocket.frames import FrameError
from vivavoce.server.websocket.message_reader import Frame, MessageReader
from vivavoce.server.websocket.token_bucket import TokenBucket

FRAMES_PER_SECOND = 1000
FRAMES_AT_ONCE = 4000
"""Frames of every kind that a connection may send at once.

With ``FRAMES_PER_SECOND``, audio in frames of 100 ms passes at a hundred times real time.
"""

FRAMES_PER_TURN = 64
"""Frames handled in one iteration of the event loop: half a millisecond of work."""

SHORTEST_PAUSE = 0.05
"""Minimum pause of a connection that was too fast, in seconds, so that frames come in batches."""

READ_BYTES = 64 * 1024
"""Bytes of one read after which other connections are read first.

While a fast sender fills its buffer, libuv reads from it up to 32 times in a row: tens of
milliseconds of long messages.
"""

EARLY_BYTES = 64 * 1024
"""Bytes buffered before the handshake is answered; above it reading pauses."""


class FrameIntake:
    """Reads a connection's frames, and pauses its transport while reading is not allowed.

    Args:
        transport: the source of the bytes.
        reader: parses them.
        bucket: provides a token for each frame.
        busy: whether a message is queued for the application.
        on_frame: handles a frame.
        on_error: handles a violation of the protocol.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        reader: MessageReader,
        bucket: TokenBucket,
        *,
        busy: Callable[[], bool],
        on_frame: Callable[[Frame], None],
        on_error: Callable[[FrameError], None],
    ) -> None:
        self._paused = False
        self._yielding = False  # a pause until the next iteration of the event loop
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._reader = reader
        self._bucket = bucket
        self._busy = busy
        self._on_frame = on_frame
        self._on_error = on_error
        self._continuation: asyncio.Handle | None = None
        self._closed = False

    @property
    def reading(self) -> bool:
        """Whether the transport is read now, or again in the next iteration of the event loop."""
        return not self._paused or self._yielding

    def hold(self, data: bytes) -> None:
        """Buffer bytes that may not be read yet."""
        self._reader.feed(data)
        if self._reader.held > EARLY_BYTES:
            self._pause()

    def receive(self, data: bytes, now: float) -> None:
        """Receive bytes, and read the frames that are allowed at ``now``."""
        self._reader.feed(data)
        self.run(now)
        if len(data) >= READ_BYTES and self._continuation is None and not self._closed:
            self._yielding = True
            self._pause()
            self._continuation = self._loop.call_soon(self._continue)

    def resume(self) -> None:
        """Schedule further reading if it has stopped; never read within this call."""
        if self._continuation is None and self._reader.unread and not self._closed:
            self._continuation = self._loop.call_soon(self._continue)

    def run(self, now: float) -> None:
        """Read the frames that are allowed at ``now``."""
        if self._continuation is not None:
            self._pause()
            return
        try:
            stopped = self._read(now)
        except FrameError as error:
            self._on_error(error)
            return
        if self._closed:
            return
        if stopped and self._reader.unread:
            self._pause()
        else:
            self.read_on()

    def _read(self, now: float) -> bool:
        """Handle frames; return whether it stopped before the end of the input."""
        for _ in range(FRAMES_PER_TURN):
            if self._busy():
                return True
            if wait := self._bucket.wait(now):
                delay = max(wait, SHORTEST_PAUSE)
                self._continuation = self._loop.call_later(delay, self._continue)
                return True
            frame = self._reader.next()
            if frame is None:
                return False
            self._bucket.take(now)
            self._on_frame(frame)
            if self._closed:
                return False
        self._continuation = self._loop.call_soon(self._continue)
        return True

    def _continue(self) -> None:
        self._continuation = None
        self._yielding = False
        self.run(self._loop.time())

    def close(self) -> None:
        """Stop reading, and free the buffered bytes."""
        self._closed = True
        if self._continuation is not None:
            self._continuation.cancel()
            self._continuation = None
        self._reader.clear()
        self._busy, self._on_frame, self._on_error = _never, _ignore, _ignore

    def _pause(self) -> None:
        if not self._paused and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def read_on(self) -> None:
        """Resume reading from the transport."""
        if self._paused and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()


def _never() -> bool:
    return False


def _ignore(_: object) -> None:
    """The connection is closed."""
