"""Decodes messages from the server, including types newer than this client."""

from dataclasses import dataclass
from typing import Any

import msgspec

from vivavoce.client.errors import ProtocolError, excerpt
from vivavoce.protocol.messages import ServerMessage, decode_server_message


@dataclass(frozen=True, slots=True)
class UnknownMessage:
    """A message of a type newer than this client; ``value`` is its JSON."""

    type: str
    value: dict[str, Any]


Message = ServerMessage | UnknownMessage


KNOWN_TYPES = frozenset(kind.__struct_config__.tag for kind in ServerMessage.__args__)


def decode(text: str | bytes) -> Message:
    """Decode one message.

    Raises:
        ProtocolError: not a JSON object with a type, or a known type with invalid fields.
    """
    try:
        message: ServerMessage = decode_server_message(text)
    except (msgspec.DecodeError, UnicodeError) as error:
        return _unknown(text, error)
    return message


def _unknown(text: str | bytes, error: Exception) -> UnknownMessage:
    try:
        value = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeError):
        raise ProtocolError(f"the server sent no JSON object: {excerpt(text)}") from error
    kind = value.get("type")
    if not isinstance(kind, str) or kind in KNOWN_TYPES:
        raise ProtocolError(f"the server sent a malformed message: {error}") from error
    return UnknownMessage(kind, value)
