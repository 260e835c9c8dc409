"""Callbacks and webhooks at their endpoint: proved to be the server's, and read.

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
"""Seconds by which the clocks of sender and receiver may differ, way and waiting included."""

MAX_SIGNATURES = 16
_SECONDS = re.compile(r"[0-9]{1,12}")


class SignatureError(VivavoceError):
    """A request that is not proved to come from the server, or comes too late."""


@dataclass(frozen=True, slots=True)
class Callback:
    """A message of a session.

    Attributes:
        message_id: the same however often the message comes.
        session_id: whose it is.
        event: ``live.`` and the message's type.
        payload: the message, as on the socket.
        link: where everything stands, for a message of which parts were left out.
    """

    message_id: str
    session_id: str
    event: str
    payload: Message
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    """An event in the life of a session.

    Attributes:
        message_id: the same however often the event comes.
        session_id: whose it is.
        event: such as ``live.end_session``.
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
    """The id of a message that was signed with one of ``secrets``; any Standard Webhook.

    Args:
        body: exactly as it came; JSON that was read and written again differs.
        headers: of the request, in any case.
        secrets: one, or while it is being replaced the old and the new one.
        tolerance: seconds by which the timestamp may differ from ``now``.
        now: Unix time, by default the clock's.

    Raises:
        SignatureError: the message is not to be trusted.
        SecretError: one of ``secrets`` is none.
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
    """Verify a callback of a session and read it; arguments and errors as of ``verify``.

    Raises:
        ProtocolError: the message is the server's, and yet no callback.
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
    """Verify a webhook and read it; arguments and errors as of ``verify``.

    Raises:
        ProtocolError: the message is the server's, and yet no webhook.
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
