"""Long messages read and written piece by piece.

One call that reads or writes megabytes of JSON holds the interpreter for tens of milliseconds,
whichever thread it is made in, and the event loop waits. In pieces each call is short. What comes
out is the same, byte for byte and value for value.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Raw, UnsetType

from vivavoce.protocol.base64_audio import forgiving_decode
from vivavoce.protocol.messages import (
    BAD_CHUNK,
    AudioChunk,
    BadChunkError,
    BadMessageError,
    ChunkData,
    ClientMessage,
    Message,
    PostFinalTranscript,
    PostTranscript,
    ServerMessage,
    decode_server_message,
    encode,
    parse_client_message,
)
from vivavoce.protocol.result import Result, ResultMetadata
from vivavoce.protocol.transcript import Transcription, Utterance

LARGE = 64 * 1024
"""Characters or bytes from which on pieces are worth their trouble."""

SLICE = 1 << 18
"""Characters of base64 that are read at once; a multiple of four."""

Kind = TypeVar("Kind", bound=Message)

_CHUNK = re.compile(r'"chunk"\s*:\s*"')
_MARKS = {"AAAA": b"\0\0\0", "////": b"\xff\xff\xff"}

# -- closing messages ----------------------------------------------------------------------------


class _Transcription(msgspec.Struct):
    full_transcript: str
    languages: tuple[str, ...]
    utterances: tuple[Raw, ...]


class _Result(msgspec.Struct):
    metadata: ResultMetadata
    transcription: _Transcription | UnsetType = UNSET
    messages: tuple[str, ...] | UnsetType = UNSET


class _PostTranscript(msgspec.Struct, tag_field="type", tag="post_transcript"):
    session_id: str
    created_at: str
    data: _Transcription


class _PostFinalTranscript(msgspec.Struct, tag_field="type", tag="post_final_transcript"):
    session_id: str
    created_at: str
    data: _Result


_closing = msgspec.json.Decoder[_PostTranscript | _PostFinalTranscript](
    _PostTranscript | _PostFinalTranscript
)
_utterance = msgspec.json.Decoder[Utterance](Utterance)


def transcription_of(message: Message) -> Transcription | None:
    """The whole session's text in a message that has it."""
    match message:
        case PostTranscript():
            return message.data
        case PostFinalTranscript() if isinstance(message.data.transcription, Transcription):
            return message.data.transcription
        case _:
            return None


def with_transcription(message: Kind, found: Transcription) -> Kind:
    """A closing message with another text."""
    if isinstance(message, PostFinalTranscript):
        result = msgspec.structs.replace(message.data, transcription=found)
        return msgspec.structs.replace(message, data=result)
    return msgspec.structs.replace(message, data=found)


def in_pieces(message: Kind) -> Kind:
    """The same to an encoder, in short calls: each utterance is encoded already (a ``Raw``)."""
    found = transcription_of(message)
    return message if found is None else with_transcription(message, _in_pieces(found))


def _in_pieces(found: Transcription) -> Transcription:
    utterances: Iterable[Any] = found.utterances
    pieces = tuple(each if isinstance(each, Raw) else Raw(encode(each)) for each in utterances)
    return msgspec.structs.replace(found, utterances=pieces)


def encoded(message: Message) -> bytes:
    """As ``messages.encode`` has it."""
    return encode(in_pieces(message))


def encoded_result(result: Result) -> bytes:
    """As ``messages.encode`` has it."""
    if isinstance(result.transcription, Transcription):
        pieces = _in_pieces(result.transcription)
        result = msgspec.structs.replace(result, transcription=pieces)
    if isinstance(result.messages, tuple):
        texts = tuple(Raw(encode(text)) for text in result.messages)
        result = msgspec.structs.replace(result, messages=texts)
    return encode(result)


def without_words(message: Kind) -> Kind:
    """A message in pieces whose utterances have no words."""
    found = transcription_of(message)
    if found is None:
        return message
    bare = tuple(_without_words(piece) for piece in found.utterances)
    return with_transcription(message, msgspec.structs.replace(found, utterances=bare))


def _without_words(piece: Utterance | Raw) -> Raw:
    utterance = _utterance.decode(piece) if isinstance(piece, Raw) else piece
    return Raw(encode(msgspec.structs.replace(utterance, words=())))


def opened(data: bytes) -> ServerMessage:
    """A message as ``decoded`` has it, but a long one in pieces: to be looked at and passed on.

    Raises:
        msgspec.DecodeError: it is no message.
    """
    message: ServerMessage | _PostTranscript | _PostFinalTranscript
    try:
        message = _closing.decode(data) if len(data) >= LARGE else decode_server_message(data)
    except msgspec.ValidationError:  # of another type
        message = decode_server_message(data)
    if not isinstance(message, _PostTranscript | _PostFinalTranscript):
        return message
    at = {"session_id": message.session_id, "created_at": message.created_at}
    if isinstance(message, _PostTranscript):
        return PostTranscript(data=_transcription(message.data), **at)
    told = message.data
    text = (
        UNSET if isinstance(told.transcription, UnsetType) else _transcription(told.transcription)
    )
    return PostFinalTranscript(data=Result(told.metadata, text, told.messages), **at)


def _transcription(found: _Transcription) -> Transcription:
    pieces: Any = found.utterances
    return Transcription(found.full_transcript, found.languages, pieces)


def decoded(data: bytes) -> ServerMessage:
    """As ``messages.decode_server_message`` has it.

    Raises:
        msgspec.DecodeError: it is no message.
    """
    message = opened(data)
    found = transcription_of(message)
    if found is None or not any(isinstance(each, Raw) for each in found.utterances):
        return message
    pieces: Iterable[Any] = found.utterances
    whole = tuple(_utterance.decode(piece) for piece in pieces)
    found = msgspec.structs.replace(found, utterances=whole)
    return with_transcription(message, found)


# -- audio as text -------------------------------------------------------------------------------


def parsed(text: str) -> ClientMessage:
    """As ``messages.parse_client_message`` has it.

    Raises:
        BadMessageError: and its kinds; the text says what is wrong.
    """
    place = _chunk_in(text) if len(text) >= LARGE else None
    if place is None:
        return parse_client_message(text)
    try:
        return AudioChunk(ChunkData(b"".join(_audio(text, *place))))
    except msgspec.ValidationError as error:
        if not all(_is_plain(piece) for piece in _slices(text, *place)):
            return parse_client_message(text)  # it may not even be JSON
        audio = forgiving_decode(text[slice(*place)])
        if audio is None:
            raise BadChunkError(BAD_CHUNK) from error
        return AudioChunk(ChunkData(audio))


def _chunk_in(text: str) -> tuple[int, int] | None:
    """Where the base64 of an ``audio_chunk`` stands, if the rest of its text is short and right.

    What the text says of its type and its other fields is left to the parser: with either of two
    marks instead of the base64 it must find the mark, and nothing else.
    """
    found = _CHUNK.search(text, 0, LARGE)
    if found is None:
        return None
    start = found.end()
    end = text.find('"', start)
    if end < 0 or len(text) - (end - start) > LARGE or text.find("\\", start, end) >= 0:
        return None
    head, tail = text[:start], text[end:]
    try:
        for mark, audio in _MARKS.items():
            if parse_client_message(f"{head}{mark}{tail}") != AudioChunk(ChunkData(audio)):
                return None
    except BadMessageError:
        return None
    return start, end


def _slices(text: str, start: int, end: int) -> Iterator[str]:
    return (text[at : min(at + SLICE, end)] for at in range(start, end, SLICE))


def _audio(text: str, start: int, end: int) -> Iterator[bytes]:
    """The bytes; base64 is padded at its very end only."""
    if text.find("=", start, end - 2) >= 0:
        raise msgspec.ValidationError("padding within base64")
    for piece in _slices(text, start, end):
        yield msgspec.convert(piece, bytes)


def _is_plain(text: str) -> bool:
    """Whether it can stand in JSON as it is."""
    return text.isascii() and text.isprintable()
