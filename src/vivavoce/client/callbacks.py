"""Verifies and parses callbacks and webhooks at their endpoint.

@app.post("/hook")
async def hook(request):
    try:
        callback = verify_callback(await request.body(), request.headers, SECRET)
    except SignatureError:
        return Response(status_code=401)
    if seen(callback.message_id):  # a message may come more than once
        return Response()
    ...
"""

import hmac
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from vivavoce.client.errors import ProtocolError, VivavoceError, excerpt
from vivavoce.client.incoming import Message, decode
from vivavoce.protocol.signatures import (
    ID_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    signature,
    signing_key,
)

TOLERANCE = 300.0
"""Greatest difference in seconds between a timestamp and its arrival, delays included."""

MAX_SIGNATURES = 16
_SECONDS = re.compile(r"[0-9]{1,12}")


class SignatureError(VivavoceError):
    """The request is not verifiably the server's, or its timestamp is outside the tolerance."""


@dataclass(frozen=True, slots=True)
class Callback:
    """A message of a session.

    Attributes:
        message_id: the same for every delivery of the message.
        session_id: id of the session.
        event: ``live.`` and the message's type.
        payload: the message, as on the WebSocket.
        link: link to the complete data, for a message of which parts were left out.
    """

    message_id: str
    session_id: str
    event: str
    payload: Message
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    """A lifecycle event of a session.

    Attributes:
        message_id: the same for every delivery of the event.
        session_id: id of the session.
        event: the event's type, such as ``live.end_session``.
    """

    message_id: str
    session_id: str
    event: str


class _CallbackBody(msgspec.Struct, frozen=True):
    id: str
    event: str
    payload: msgspec.Raw
    link: str | None = None


class _Session(msgspec.Struct, frozen=True):
    id: str


class _WebhookBody(msgspec.Struct, frozen=True):
    event: str
    payload: _Session


def verify(
    body: bytes,
    headers: Mapping[str, str],
    secrets: str | Sequence[str],
    *,
    tolerance: float = TOLERANCE,
    now: float | None = None,
) -> str:
    """Verify any Standard Webhooks message signed with one of ``secrets``; return its id.

    Args:
        body: the body exactly as received; re-encoded JSON differs.
        headers: the request's headers; names in any case.
        secrets: one secret, or the old and the new one during a rotation.
        tolerance: seconds by which the timestamp may differ from ``now``.
        now: Unix time; by default, the current time.

    Raises:
        SignatureError: the message cannot be trusted.
        SecretError: one of ``secrets`` is not a valid secret.
    """
    known = [secrets] if isinstance(secrets, str) else secrets
    keys = [signing_key(secret) for secret in known]
    named = {name.lower(): value for name, value in headers.items()}
    message_id, timestamp, given = (_header(named, name) for name in _NEEDED)
    _check_time(timestamp, time.time() if now is None else now, tolerance)
    expected = [signature(key, message_id, timestamp, body).encode() for key in keys]
    offered = [one.encode() for one in given.split(" ")[:MAX_SIGNATURES]]
    if not any(hmac.compare_digest(one, other) for one in expected for other in offered):
        raise SignatureError("no signature of the message is by a known secret")
    return message_id


def verify_callback(
    body: bytes,
    headers: Mapping[str, str],
    secrets: str | Sequence[str],
    *,
    tolerance: float = TOLERANCE,
    now: float | None = None,
) -> Callback:
    """Verify and parse a session's callback; arguments and errors as for ``verify``.

    Raises:
        ProtocolError: the message is the server's, but not a callback.
    """
    message_id = verify(body, headers, secrets, tolerance=tolerance, now=now)
    read = _read(body, _CallbackBody)
    return Callback(message_id, read.id, read.event, decode(bytes(read.payload)), read.link)


def verify_webhook(
    body: bytes,
    headers: Mapping[str, str],
    secrets: str | Sequence[str],
    *,
    tolerance: float = TOLERANCE,
    now: float | None = None,
) -> Webhook:
    """Verify and parse a webhook; arguments and errors as for ``verify``.

    Raises:
        ProtocolError: the message is the server's, but not a webhook.
    """
    message_id = verify(body, headers, secrets, tolerance=tolerance, now=now)
    read = _read(body, _WebhookBody)
    return Webhook(message_id, read.payload.id, read.event)


_NEEDED = (ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER)
_Body = TypeVar("_Body", _CallbackBody, _WebhookBody)


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "")
    if not value or not value.isascii():
        raise SignatureError(f"the message has no valid {name}")
    return value


def _check_time(timestamp: str, now: float, tolerance: float) -> None:
    if not _SECONDS.fullmatch(timestamp):
        raise SignatureError(f"the message's {TIMESTAMP_HEADER} is no time")
    if abs(now - int(timestamp)) > tolerance:
        raise SignatureError("the message is too old, or the clocks differ too much")


def _read(body: bytes, kind: type[_Body]) -> _Body:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ProtocolError(f"not the expected body: {error}: {excerpt(body)}") from error
