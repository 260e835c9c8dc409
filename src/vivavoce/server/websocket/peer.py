"""An ASGI extension: the application's access to its WebSocket peer."""

import asyncio
import os
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vivavoce.server.websocket.message_reader import TextFilter

EXTENSION = "vivavoce.peer"

LONG_TEXT = "long_text"
"""Key of ``websocket.receive`` for a text in UTF-8 of more than ``LONG_TEXT_BYTES``.

It holds only the beginning of a text that the application's filter refused.
"""

LONG_TEXT_BYTES = 64 * 1024
"""Bytes above which a text is passed on undecoded, if the application accepts ``LONG_TEXT``."""

Take = Callable[[bytes], bool]
"""Processes a binary message synchronously; returns False if it must be queued."""


class PeerHandle:
    """The application's handle of its peer.

    Args:
        confirmed: a future that the connection resolves.
        ping: sends a ping with a payload.
        tell: sends a text at once; returns False if it would have to wait, or the connection is
            closed.
        receiving: returns whether a fragmented message is incomplete, so that pongs may overtake
            the rest of it.

    Attributes:
        confirmed: resolves to whether the peer has answered our close frame.
        tell: see above.
        take: receives binary messages instead of ASGI's queue, unless it returns False.
        receiving: see above.
        new_text_filter: returns the filter of a text that arrives in pieces; set by an
            application that reads ``LONG_TEXT``.
    """

    def __init__(
        self,
        confirmed: asyncio.Future[bool],
        ping: Callable[[bytes], None],
        tell: Callable[[bytes], bool],
        receiving: Callable[[], bool],
    ) -> None:
        self.confirmed = confirmed
        self.tell = tell
        self.receiving = receiving
        self.take: Take | None = None
        self.new_text_filter: Callable[[], TextFilter] | None = None
        self._ping = ping
        self._questions: deque[tuple[bytes, Callable[[], None]]] = deque()

    def listen(self, take: Take | None) -> None:
        """Pass binary messages to ``take`` while no message is queued in ASGI."""
        self.take = take

    def ask(self, then: Callable[[], None]) -> None:
        """Ping, and call ``then`` once the peer has read everything sent so far.

        Callbacks run in the order of the calls. A peer may never answer, so a caller should have
        only one ping pending.
        """
        payload = os.urandom(8)
        self._questions.append((payload, then))
        self._ping(payload)

    @property
    def asked(self) -> bool:
        """Whether a ping is unanswered."""
        return bool(self._questions)

    def answered(self, payload: bytes) -> bool:
        """Return whether a pong answers a pending ping; run its callback if so.

        It answers all earlier pings too: a peer may answer only the newest ping.
        """
        if all(payload != asked for asked, _ in self._questions):
            return False
        asked = b""
        while asked != payload and self._questions:  # a callback may detach
            asked, then = self._questions.popleft()
            then()
        return True

    def resolve(self, *, confirmed: bool) -> None:
        """Record whether the peer has answered our close frame; only the first call counts."""
        if not self.confirmed.done():
            self.confirmed.set_result(confirmed)

    def detach(self) -> None:
        """Release the connection and the application: the connection is closed."""
        self.resolve(confirmed=False)
        self._ping, self.tell, self.receiving = _ping_nobody, _tell_nobody, _receive_nothing
        self.take = None
        self._questions.clear()


def _ping_nobody(_payload: bytes) -> None:
    """Do nothing: the connection is closed."""


def _tell_nobody(_text: bytes) -> bool:
    return False


def _receive_nothing() -> bool:
    return False


def peer_of(scope: Mapping[str, Any]) -> PeerHandle:
    """Return the peer of a connection that ``WebSocketProtocol`` serves."""
    peer: PeerHandle = scope["extensions"][EXTENSION]
    return peer
