"""The sending side of a connection: flow control, and aborting clients that do not read."""

import asyncio
import contextlib
import fcntl
import struct
import sys
import termios
from collections.abc import Callable

from vivavoce.server.http.clocks import ReaderWatch

_LOOKS = 10
"""Number of checks of a client within the time in which it must read something."""


class Sender:
    """Writes to a connection, and aborts it if the client reads nothing for too long.

    Args:
        transport: the connection.
        seconds: maximum time for which a client may read nothing while data is buffered.
        loop: the event loop.
        stalled: called before such a connection is aborted.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        seconds: float,
        loop: asyncio.AbstractEventLoop,
        stalled: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._seconds = seconds
        self._loop = loop
        self._stalled = stalled
        self._written = 0
        self._timer: asyncio.TimerHandle | None = None
        self.writable = asyncio.Event()
        self.writable.set()

    def write(self, data: bytes) -> None:
        """Send bytes, unless the connection is closing."""
        if not data or self._transport.is_closing():
            return
        self._transport.write(data)
        self._written += len(data)
        if self._timer is None and self._transport.get_write_buffer_size():
            self._look(ReaderWatch(self._seconds, self._loop.time()))

    async def drain(self) -> None:
        """Wait until the write buffer has room."""
        if not self.writable.is_set():
            await self.writable.wait()

    def stop(self) -> None:
        """Stop watching the client, and release all ``drain`` calls."""
        self.writable.set()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self, watch: ReaderWatch) -> None:
        self._timer = None
        buffered = self._transport.get_write_buffer_size()
        if not buffered:
            return
        delivered = self._written - buffered - _unacknowledged(self._transport)
        if watch.is_stalled(self._loop.time(), delivered):
            self._stalled()
            self._transport.abort()
            return
        self._timer = self._loop.call_later(self._seconds / _LOOKS, self._look, watch)


def _unacknowledged(transport: asyncio.Transport) -> int:
    """Return the bytes in the kernel that the client has not acknowledged; 0 if unknown.

    The kernel may buffer megabytes, and accepts more only once a large part is acknowledged:
    without this, a slow reader would look like one that reads nothing.
    """
    connected = transport.get_extra_info("socket")
    if connected is None or sys.platform != "linux":
        return 0
    with contextlib.suppress(OSError, ValueError):
        waiting: int = struct.unpack("i", fcntl.ioctl(connected, termios.TIOCOUTQ, bytes(4)))[0]
        return waiting
    return 0
