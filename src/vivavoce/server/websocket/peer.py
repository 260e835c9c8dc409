"""What an application may know and ask of its peer beyond ASGI."""

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

Of a text that the application's filter refused, it has only the beginning.
"""

LONG_TEXT_BYTES = 64 * 1024
"""A longer text is not decoded in one call, if the application takes its bytes."""

Take = Callable[[bytes], bool]
"""Takes a binary message in the call that brings it; False if it has to wait its turn."""


class PeerHandle:
    """The application's handle of its peer.

    Args:
        confirmed: resolved by the connection.
        ping: sends a ping with a payload.
        tell: sends a text at once; False if it has to wait, or the connection is gone.
        receiving: whether a message has begun to arrive, and pongs may overtake the rest of it.

    Attributes:
        confirmed: becomes whether the peer has answered our close.
        tell: see above.
        take: is offered binary messages before ASGI is.
        receiving: see above.
        new_text_filter: makes the filter of a text that arrives in pieces; set by an application
            that reads ``LONG_TEXT``.
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
        """Offer binary messages to ``take`` while none waits on the way through ASGI."""
        self.take = take

    def ask(self, then: Callable[[], None]) -> None:
        """Call ``then`` once the peer has read what was sent so far; in the order of the calls.

        A peer may never answer: a caller that has a question open should not ask another.
        """
        payload = os.urandom(8)
        self._questions.append((payload, then))
        self._ping(payload)

    @property
    def asked(self) -> bool:
        """Whether a question is open."""
        return bool(self._questions)

    def answered(self, payload: bytes) -> bool:
        """Return whether a pong was the answer to a question; calls back if so.

        It answers the questions before that one too: a peer may answer its newest ping alone.
        """
        if all(payload != asked for asked, _ in self._questions):
            return False
        asked = b""
        while asked != payload and self._questions:  # a callback may detach
            asked, then = self._questions.popleft()
            then()
        return True

    def resolve(self, *, confirmed: bool) -> None:
        """Settle whether the peer has answered our close; the first call counts."""
        if not self.confirmed.done():
            self.confirmed.set_result(confirmed)

    def detach(self) -> None:
        """Forget the connection and the application: the connection is gone."""
        self.resolve(confirmed=False)
        self._ping, self.tell, self.receiving = _ping_nobody, _tell_nobody, _receive_nothing
        self.take = None
        self._questions.clear()


def _ping_nobody(_payload: bytes) -> None:
    """The connection is gone."""


def _tell_nobody(_text: bytes) -> bool:
    return False


def _receive_nothing() -> bool:
    return False


def peer_of(scope: Mapping[str, Any]) -> PeerHandle:
    """The peer of a connection that ``WebSocketProtocol`` serves."""
    peer: PeerHandle = scope["extensions"][EXTENSION]
    return peer
