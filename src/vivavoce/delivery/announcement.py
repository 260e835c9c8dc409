"""What a session announces: which of its messages somebody outside may want to hear of.

The journal keeps announcements as opaque bytes, in the commit that makes their messages true.
Whom they go to is found out when they are taken over: endpoints come and go meanwhile.
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
"""The messages that webhooks tell of."""


EXTENSIONS = (FinalizeAck,)
"""Messages of our own on the socket, which readers of callbacks would take for errors."""


class Announcement(msgspec.Struct, frozen=True):
    """One message of a session.

    Attributes:
        session: the session's id.
        owner: name of the API key that made it.
        message: as the socket carries it.
        callback: where the session wants it called back; None where it does not.
        lifecycle: whether webhooks tell of it.
    """

    session: str
    owner: str
    message: bytes
    callback: str | None
    lifecycle: bool


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder[Announcement](Announcement).decode


class Herald:
    """Announces the messages of one session."""

    def __init__(self, session_id: str, owner: str, request: InitRequest) -> None:
        self._session_id = session_id
        self._owner = owner
        wanted = request.callback and request.callback_config is not UNSET
        self._config = request.callback_config if wanted else UNSET

    @property
    def wants_partials(self) -> bool:
        """Whether partials are called back."""
        return self._config is not UNSET and self._config.receive_partial_transcripts

    @property
    def wants_acks(self) -> bool:
        """Whether acknowledgements are called back."""
        return self._config is not UNSET and self._config.receive_acknowledgments

    def announcements(self, *messages: Message) -> list[bytes]:
        """What to announce of these messages; nothing of those that nobody can want."""
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
