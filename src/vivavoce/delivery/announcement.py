"""The outbox events of a session: the messages that callbacks and webhooks may report.

The journal stores outbox events as opaque bytes, in the same commit as their messages. Their
recipients are determined when the events are enqueued, since endpoints may change meanwhile.
"""

import msgspec
from msgspec import UNSET

from vivavoce.protocol.frames import to_frame
from vivavoce.protocol.messages import (
    EndRecording,
    EndSession,
    FinalizeAck,
    Message,
    StartRecording,
    StartSession,
    passes,
)
from vivavoce.protocol.request import InitRequest

LIFECYCLE = (StartSession, StartRecording, EndRecording, EndSession)
"""The messages that webhooks report."""


EXTENSIONS = (FinalizeAck,)
"""Vivavoce's own WebSocket messages, which receivers of callbacks may treat as errors."""


class Announcement(msgspec.Struct, frozen=True):
    """One message of a session, as an outbox event.

    Attributes:
        session: the session's id.
        owner: name of the API key that created it.
        message: the message as sent on the WebSocket.
        callback: URL of the session's callback; None if the message is not called back.
        lifecycle: whether webhooks report the message.
    """

    session: str
    owner: str
    message: bytes
    callback: str | None
    lifecycle: bool


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder[Announcement](Announcement).decode


class Herald:
    """Creates the outbox events of one session."""

    def __init__(self, session_id: str, owner: str, request: InitRequest) -> None:
        self._session_id = session_id
        self._owner = owner
        wanted = request.callback and request.callback_config is not UNSET
        self._config = request.callback_config if wanted else UNSET

    @property
    def wants_partials(self) -> bool:
        """Whether partials are sent to the callback."""
        return self._config is not UNSET and self._config.receive_partial_transcripts

    @property
    def wants_acks(self) -> bool:
        """Whether acknowledgements are sent to the callback."""
        return self._config is not UNSET and self._config.receive_acknowledgments

    def announcements(self, *messages: Message) -> list[bytes]:
        """Return the outbox events of these messages, except those without recipients."""
        return [encode(one) for message in messages if (one := self._announcement(message))]

    def _announcement(self, message: Message) -> Announcement | None:
        callback = self._callback(message)
        lifecycle = isinstance(message, LIFECYCLE)
        if callback is None and not lifecycle:
            return None
        frame = to_frame(message)
        return Announcement(self._session_id, self._owner, frame, callback, lifecycle)

    def _callback(self, message: Message) -> str | None:
        if self._config is UNSET or self._config.url is UNSET:
            return None
        if isinstance(message, EXTENSIONS):
            return None
        return self._config.url if passes(message, self._config) else None
