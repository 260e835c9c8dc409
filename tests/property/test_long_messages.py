"""Long messages in pieces: the same bytes and values as at once, and the same complaints."""

import base64
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.protocol import long_messages
from vivavoce.protocol.long_text_filter import LongTextFilter
from vivavoce.protocol.messages import (
    AudioChunk,
    BadChunkError,
    BadMessageError,
    ClientMessage,
    Message,
    PostFinalTranscript,
    PostTranscript,
    TooLongError,
    decode_server_message,
    encode,
    parse_client_message,
)
from vivavoce.protocol.result import Result, ResultMetadata
from vivavoce.protocol.transcript import Transcription, Utterance, Word

SESSION = "6f1c0000-0000-4000-8000-000000000000"
AT = "2026-11-21T08:00:00.101Z"
FACTS = ResultMetadata(
    audio_duration=1.5, number_of_distinct_channels=2, billing_time=3.0, transcription_time=0.1
)
AUDIO = base64.b64encode(bytes(range(256)) * 2_500).decode()
"""More than two slices."""


def with_more(chunk: str, more: int) -> str:
    """An audio chunk with a field that is not known."""
    data = {"chunk": chunk, "more": ["x" * 9] * (more // 10)}
    return json.dumps({"type": "audio_chunk", "data": data})


seconds = st.floats(0, 20_000).map(lambda value: round(value, 3))
shares = st.floats(0, 1).map(lambda value: round(value, 3))
words = st.builds(Word, st.text(max_size=6), seconds, seconds, shares)
utterances = st.builds(
    Utterance,
    start=seconds,
    end=seconds,
    confidence=shares,
    channel=st.integers(0, 7),
    words=st.lists(words, max_size=3).map(tuple),
    text=st.text(max_size=20),
    language=st.sampled_from(["en", "de"]),
)
transcriptions = st.builds(
    Transcription,
    full_transcript=st.text(max_size=40),
    languages=st.sampled_from([(), ("en",), ("de", "en")]),
    utterances=st.lists(utterances, max_size=5).map(tuple),
)


@given(transcriptions, st.sampled_from([0, long_messages.LARGE]))
def test_a_closing_message_in_pieces_has_the_same_bytes_and_values(
    found: Transcription, more: int
) -> None:
    text = found.full_transcript + "x" * more
    found = msgspec.structs.replace(found, full_transcript=text)
    closing: list[Message] = [
        PostTranscript(session_id=SESSION, created_at=AT, data=found),
        PostFinalTranscript(session_id=SESSION, created_at=AT, data=Result(FACTS, found)),
        PostFinalTranscript(session_id=SESSION, created_at=AT, data=Result(FACTS)),
    ]
    for message in closing:
        whole = encode(message)
        assert long_messages.encoded(message) == whole
        assert long_messages.decoded(whole) == decode_server_message(whole) == message


@given(transcriptions, st.lists(st.text(max_size=20), max_size=4))
def test_a_result_in_pieces_has_the_same_bytes(found: Transcription, frames: list[str]) -> None:
    for result in (Result(FACTS), Result(FACTS, found), Result(FACTS, found, tuple(frames))):
        assert long_messages.encoded_result(result) == encode(result)


def outcome(text: str, *, pieces: bool) -> ClientMessage | tuple[type, str]:
    """What is read of a text, or the complaint."""
    try:
        return long_messages.parsed(text) if pieces else parse_client_message(text)
    except BadMessageError as error:
        return type(error), str(error)


def refused_on_arrival(text: bytes, step: int = 50_001) -> bytes | None:
    """As much of a text as had arrived when it was refused; None if it never was."""
    admits, arrived = LongTextFilter(), bytearray()
    for at in range(0, len(text), step):
        arrived += text[at : at + step]
        if not admits(arrived, at):
            return bytes(arrived)
    return None


NO_CHUNKS = {
    "lists": '{"type":"x","a":[' + "[]," * 200_000 + "[]]}",
    "keys": '{"type":"x",' + ",".join(f'"{number}":1' for number in range(60_000)) + "}",
    "the type at the end": '{"a":[' + "0," * 200_000 + '0],"type":"x"}',
    "levels": '{"type":"x","a":' + "[" * 300_000 + "]" * 300_000 + "}",
    "another string": '{"type":"x","a":"' + AUDIO + '"}',
    "a chunk and more": '{"type":"audio_chunk","data":{"chunk":"AAAA","x":[' + "{}," * 99_999,
    "a long chunk and more": with_more(AUDIO, 4 * long_messages.LARGE),
    "no text at all": "0" * 500_000,
}


@pytest.mark.parametrize("text", NO_CHUNKS.values(), ids=NO_CHUNKS)
def test_a_long_text_that_is_no_chunk_is_refused_before_it_has_arrived(text: str) -> None:
    refused = refused_on_arrival(text.encode())
    assert refused is not None
    assert len(refused) < len(text)
    same(text)


@given(st.integers(0, 2 * long_messages.LARGE), st.integers(0, 2 * long_messages.LARGE))
def test_a_long_chunk_is_read_with_as_much_beside_it_as_allowed(before: int, behind: int) -> None:
    text = '{"x":"' + "y" * before + '","type":"audio_chunk","data":{"chunk":"'
    text += AUDIO + '"}' + " " * behind + "}"
    allowed = len(text) - len(AUDIO) <= long_messages.LARGE
    assert isinstance(outcome(text, pieces=True), AudioChunk) == allowed
    assert allowed <= (refused_on_arrival(text.encode()) is None)
    same(text)


def same(text: str) -> None:
    """Both readers take the text and agree on its audio, or both refuse it.

    The long one may refuse what the short one takes only by the bound of what is not audio. What
    is refused while it arrives is refused by the long one as well, whole or as far as it came.
    """
    refused = refused_on_arrival(text.encode())
    if refused is not None:
        too_long = (TooLongError, long_messages.TOO_LONG)
        assert outcome(text, pieces=True) == too_long
        assert outcome(refused.decode(errors="replace"), pieces=True) == too_long
    long, short = outcome(text, pieces=True), outcome(text, pieces=False)
    if not isinstance(long, tuple):
        assert long == short
    elif long[0] is TooLongError:
        audio = len(base64.b64encode(short.data.chunk)) if isinstance(short, AudioChunk) else 0
        assert not isinstance(short, AudioChunk) or len(text) - audio > long_messages.LARGE
    else:
        assert isinstance(short, tuple)
        assert short[0] in {BadChunkError, BadMessageError}


@given(st.integers(0, 3), st.integers(0, len(AUDIO)), st.sampled_from(["/", "+", "A", "\\"]))
def test_escapes_in_long_base64_mean_what_they_mean_in_short(
    left_out: int, at: int, put: str
) -> None:
    audio = AUDIO[:at] + put + AUDIO[at + left_out :]
    for escaped in (
        audio.replace("/", "\\/"),
        audio[: at + 9].replace("A", "\\u0041") + audio[at + 9 :],
    ):
        same(with_chunk("@").replace("@", escaped))


def with_chunk(chunk: str) -> str:
    return json.dumps({"type": "audio_chunk", "data": {"chunk": chunk}}, ensure_ascii=False)


@given(st.integers(0, len(AUDIO)), st.text(max_size=3), st.integers(0, 4))
def test_any_change_in_long_base64_is_read_or_refused_as_ever(
    at: int, put: str, left_out: int
) -> None:
    same(with_chunk(AUDIO[:at] + put + AUDIO[at + left_out :]))


@given(st.integers(0, 60), st.text(max_size=3), st.integers(0, 4))
def test_any_change_around_long_base64_is_read_or_refused_as_ever(
    at: int, put: str, left_out: int
) -> None:
    text = with_chunk("@")
    changed = text[:at] + put + text[at + left_out :]
    same(changed.replace("@", AUDIO, 1))


@pytest.mark.parametrize(
    "text",
    [
        '{"data":{"chunk":"@"},"type":"audio_chunk"}',
        '{ "type" : "audio_chunk" , "data" : { "chunk" : "@" , "more" : [1] } } ',
        '{"type":"audio_chunk","x":{"chunk":"@"},"data":{"chunk":"AAAA"}}',
        '{"type":"audio_chunk","data":{"chunk":"AAAA"},"data":{"chunk":"@"}}',
        '{"type":"audio_chunk","data":{"chunk":"@"},"data":{"chunk":"AAAA"}}',
        '{"type":"audio_chunk","data":{"chunk":"@","chunk":"@"}}',
        '{"type":"audio_chunk","data":{"chunk":"@AA==AA==@"}}',
        '{"type":"audio_chunk","data":{"chunk":"@AA=="}}',
        '{"type":"audio_chunk","data":{"chunk":"@A==="}}',
        '{"type":"audio_chunk","data":{"chunk":"\\/@"}}',
        '{"type":"audio_chunk","data":{"chunk":"@\n"}}',
        '{"type":"audio_chunk","data":{"chunk":"@',
        '{"type":"stop_recording","data":{"chunk":"@"}}',
        '{"type":"something","data":{"chunk":"@"}}',
        '"chunk":"@"',
        '{"type":"audio_chunk","data":{"chunk":null,"what":"@"}}',
        '{"type":"audio_chunk","data":{"\\u0063hunk":"@"}}',
        '{"type":"audio_chunk","data":{"chunk":"@\\"}}',
        '{"type":"audio_chunk","data":{"chunk":"@\\\\"}}',
        '{"type":"audio_chunk","note":"ä","data":{"chunk":"@"}}',
        '{"type":"@"}',
        '"@"',
    ],
)
def test_long_texts_of_every_shape_are_read_or_refused_as_ever(text: str) -> None:
    same(text.replace("@", AUDIO))
