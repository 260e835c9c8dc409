"""The AsyncAPI 3.0 document of the socket."""

from collections.abc import Iterable
from typing import get_args

import msgspec

from vivavoce.protocol.close_codes import CloseCode
from vivavoce.protocol.description.schemas import Schema, components, ref
from vivavoce.protocol.messages import (
    GATES,
    ClientMessage,
    Message,
    ServerMessage,
    Transcript,
)

CHANNEL = "live"
JSON_SCHEMA = "application/schema+json;version=draft-07"
AUDIO = "Audio"

_AUDIO: Schema = {
    "name": "audio",
    "title": AUDIO,
    "summary": "Raw audio in the format of the session, split at any byte.",
    "contentType": "application/octet-stream",
    "payload": {"type": "string", "format": "binary"},
}

ABOUT = """\
One WebSocket per session, at the `url` that `POST /v2/live` returns (`/openapi.json`). Text frames
are JSON in both directions; binary frames carry audio and are equivalent to `audio_chunk`.

After a lost connection, the client opens the same URL again and resends every byte that was not
acknowledged. The newest connection replaces older ones. Clients should ignore message types that
they do not know.

The handshake is refused with HTTP 403 if the token is unknown, if the session was deleted, or if a
client has already read the end of the session. If the session ended while the client was away,
the next connection is accepted once and closed with 4403.
"""


def asyncapi(version: str) -> Schema:
    """The document, without servers; ``version`` is the server's."""
    heard, spoken = get_args(ClientMessage), get_args(ServerMessage)
    messages = {kind.__name__: _message(kind) for kind in (*heard, *spoken)} | {AUDIO: _AUDIO}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Vivavoce live sessions",
            "version": version,
            "description": f"{ABOUT}\nClose codes:\n\n{_close_codes()}",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {CHANNEL: _channel(messages)},
        "operations": {
            "hear": _operation("receive", "What a client may send.", [*_names(heard), AUDIO]),
            "speak": _operation("send", "What the server sends.", _names(spoken)),
        },
        "components": {"messages": messages, "schemas": components(heard, spoken)},
    }


def gates(kind: type[Message]) -> tuple[str, ...]:
    """The flags of ``messages_config`` that let a kind of message through."""
    if kind is Transcript:
        return ("receive_partial_transcripts", "receive_final_transcripts")
    return (GATES[kind],)


def _channel(messages: Iterable[str]) -> Schema:
    token = {"type": "string", "description": "The token in the session's `url`."}
    position = {
        "type": "integer",
        "minimum": 0,
        "description": "Optional, an extension: how many bytes of the session's audio come before"
        " what this connection sends. What is stored already is skipped; a position beyond it is"
        " answered with an `error` of the code `audio_gap`, which names the position to go on at,"
        f" and close code {CloseCode.GAP.value}. Without it the server finds the position by"
        " comparing audio.",
    }
    properties = {"token": token, "position": position}
    query = {"type": "object", "properties": properties, "required": ["token"]}
    return {
        "address": "/v2/live",
        "description": "The socket of a session; its token says which.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"ws": {"method": "GET", "query": query, "bindingVersion": "0.1.0"}},
    }


def _operation(action: str, summary: str, messages: Iterable[str]) -> Schema:
    return {
        "action": action,
        "summary": summary,
        "channel": {"$ref": f"#/channels/{CHANNEL}"},
        "messages": [{"$ref": f"#/channels/{CHANNEL}/messages/{name}"} for name in messages],
    }


def _message(kind: type[msgspec.Struct]) -> Schema:
    described: Schema = {
        "name": kind.__struct_config__.tag,
        "title": kind.__name__,
        "summary": (kind.__doc__ or "").partition("\n")[0],
        "payload": {"schemaFormat": JSON_SCHEMA, "schema": ref(kind)},
    }
    if issubclass(kind, Message):
        flags = " or ".join(f"`{flag}`" for flag in gates(kind))
        described["description"] = f"Sent where {flags} of `messages_config` is true."
    return described


def _names(kinds: Iterable[type]) -> list[str]:
    return [kind.__name__ for kind in kinds]


def _close_codes() -> str:
    return "\n".join(
        f"- {code.value}: {code.meaning} {'Reconnect.' if code.resumable else 'Final.'}"
        for code in CloseCode
    )
