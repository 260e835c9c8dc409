"""Long messages read and written piece by piece.

One call that reads or writes megabytes of JSON holds the interpreter for tens of milliseconds,
whichever thread it is made in, and the event loop waits. In pieces each call is short. What comes
out is the same, byte for byte and value for value.
"""

from collections.abc import Iterable, Iterator
from functools import partial
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
    TooLongError,
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

_ESCAPE = 6
"""Characters of the longest escape in a JSON string."""

_MARKS = {b"AAAA": b"\0\0\0", b"////": b"\xff\xff\xff"}

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
_text = msgspec.json.Decoder[str](str)
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


TOO_LONG = (
    f"a message of more than {LARGE} bytes must be an audio_chunk, "
    f"with at most {LARGE} bytes beside its base64"
)

Utf8 = bytes | bytearray
"""A text as it came: valid UTF-8, checked as it arrived."""


def parsed(text: str | Utf8) -> ClientMessage:
    """Read a client's text frame, as ``messages.parse_client_message`` does.

    Only the base64 of an ``audio_chunk`` may be long. Everything else is refused by its length,
    before anything of it is made into objects, so that no text takes more memory than its own
    size once more, or holds the interpreter for long.

    Raises:
        BadMessageError: and its kinds; the text says what is wrong.
    """
    if isinstance(text, str):
        text = text.encode()
    if len(text) <= LARGE:
        return parse_client_message(text)
    place = next((place for place in _long_stretches(text) if _is_chunk(text, *place)), None)
    if place is None:
        raise TooLongError(TOO_LONG)
    pieces = partial(_pieces, text, *place)
    try:
        strict = (_unescape(piece) if b"\\" in piece else piece.decode() for piece in pieces())
        return AudioChunk(ChunkData(b"".join(_audio(strict))))
    except msgspec.ValidationError:
        audio = _unusual_audio(pieces())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadChunkError(BAD_CHUNK) from error
    if audio is None:
        raise BadChunkError(BAD_CHUNK)
    return AudioChunk(ChunkData(audio))


def _unusual_audio(pieces: Iterable[bytes]) -> bytes | None:
    """Base64 that the strict reader refused; what no JSON string may hold is still refused."""
    try:
        return forgiving_decode(map(_unescape, pieces))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _unescape(piece: bytes) -> str:
    """Decode a piece of a JSON string."""
    return _text.decode(b'"%b"' % piece)


def _long_stretches(text: Utf8) -> Iterator[tuple[int, int]]:
    """Yield start and end of each stretch between quotes with at most ``LARGE`` bytes around it."""
    start = 0
    while start <= LARGE:
        end = _next_quote(text, start)
        if len(text) - (end - start) <= LARGE:
            yield start, end
        start = end + 1


def _next_quote(text: Utf8, start: int) -> int:
    """The next quote's place, or the text's end; searched in short calls."""
    for at in range(start, len(text), SLICE):
        found = text.find(b'"', at, at + SLICE)
        if found >= 0:
            return found
    return len(text)


def _is_chunk(text: Utf8, start: int, end: int) -> bool:
    """Whether the stretch is the content of ``data.chunk`` in an otherwise valid ``audio_chunk``.

    The parser decides: with either of two marks in place of the stretch it must find that mark.
    """
    head, tail = text[:start], text[end:]
    try:
        return all(
            parse_client_message(head + mark + tail) == AudioChunk(ChunkData(audio))
            for mark, audio in _MARKS.items()
        )
    except BadMessageError:
        return False


def _pieces(text: Utf8, start: int, end: int) -> Iterator[bytes]:
    """The content of a JSON string, cut where no escape is: PHP, for one, escapes each slash."""
    while start < end:
        stop = min(start + SLICE, end)
        if stop < end and (escape := text.rfind(b"\\", max(start, stop - _ESCAPE), stop)) > start:
            stop = escape  # an escape must not be cut; a run of them is cut anywhere before one
        yield bytes(text[start:stop])
        start = stop


def _audio(pieces: Iterable[str]) -> Iterator[bytes]:
    """The bytes of base64; only its last four characters may hold padding.

    Raises:
        msgspec.ValidationError: it is no base64.
    """
    rest, padded = "", False
    for piece in pieces:
        if padded:
            raise msgspec.ValidationError("padding within base64")
        whole = rest + piece
        end = len(whole) - len(whole) % 4
        rest = whole[end:]
        yield msgspec.convert(whole[:end], bytes)
        padded = whole.endswith("=", 0, end)
    if padded and rest:
        raise msgspec.ValidationError("padding within base64")
    yield msgspec.convert(rest, bytes)
