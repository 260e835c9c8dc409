"""The bodies of callbacks and webhooks. Contract §4."""

import msgspec
from msgspec import UNSET, UnsetType

from vivavoce.protocol.frames import to_frame
from vivavoce.protocol.long_messages import opened

LEAN_BYTES = 20_000
"""Maximum bytes of a body for an endpoint that has refused a message as too large."""


class _Callback(msgspec.Struct, frozen=True):
    id: str
    event: str
    payload: msgspec.Raw
    link: str | UnsetType = UNSET


class _Session(msgspec.Struct, frozen=True):
    id: str


class _Webhook(msgspec.Struct, frozen=True):
    event: str
    payload: _Session


class _Type(msgspec.Struct, frozen=True):
    type: str


_encode = msgspec.json.Encoder().encode
_type = msgspec.json.Decoder[_Type](_Type).decode
_callback = msgspec.json.Decoder[_Callback](_Callback).decode


def event_of(message: bytes) -> str:
    """Return the name of the event that reports a message."""
    return f"live.{_type(message).type}"


def callback_body(session_id: str, message: bytes) -> bytes:
    """Return the callback body of a message."""
    return _encode(_Callback(session_id, event_of(message), msgspec.Raw(message)))


def webhook_body(session_id: str, event: str) -> bytes:
    """Return the webhook body of a lifecycle event."""
    return _encode(_Webhook(event, _Session(session_id)))


def lean_body(body: bytes, limit: int, base_url: str) -> bytes:
    """Return a callback of at most ``limit`` bytes with a link to the complete result.

    Only the closing messages can be reduced: first the words of their utterances are left out,
    then the utterances, then the end of the text. A body that is small enough, or cannot be
    reduced, is returned unchanged.
    """
    if len(body) <= limit:
        return body
    whole = _callback(body)
    link = f"{base_url}/v2/live/{whole.id}"
    around = len(_encode(_Callback(whole.id, whole.event, msgspec.Raw(b"0"), link)))
    message = opened(bytes(whole.payload))
    payload = msgspec.Raw(to_frame(message, limit - around))
    lean = _encode(_Callback(whole.id, whole.event, payload, link))
    return lean if len(lean) < len(body) else body
