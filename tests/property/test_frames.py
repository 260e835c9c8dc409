"""However long a session was, its closing messages fit into a frame and stay valid."""

import json

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.protocol.frames import ELLIPSIS, MAX_FRAME_BYTES, to_frame
from vivavoce.protocol.messages import (
    Message,
    PostFinalTranscript,
    PostTranscript,
    decode_server_message,
    encode,
)
from vivavoce.protocol.result import Result, ResultMetadata
from vivavoce.protocol.transcript import Transcription, Utterance, Word
from wire_schema import assert_valid_message

SESSION = "6f1c0000-0000-4000-8000-000000000000"
AT = "2026-11-21T08:00:00.101Z"
METADATA = ResultMetadata(
    audio_duration=1.0, number_of_distinct_channels=1, billing_time=1.0, transcription_time=1.0
)

spoken = st.lists(st.text(min_size=1, max_size=12), max_size=12)
limits = st.integers(700, 6000)


def transcription(said: list[list[str]]) -> Transcription:
    utterances = tuple(
        Utterance(
            start=float(at),
            end=at + 1.0,
            confidence=0.9,
            channel=0,
            words=tuple(Word(f" {word}", float(at), at + 1.0, 0.9) for word in words),
            text="".join(f" {word}" for word in words),
            language="en",
        )
        for at, words in enumerate(said)
    )
    text = " ".join(utterance.text.strip() for utterance in utterances)
    return Transcription(full_transcript=text, languages=("en",), utterances=utterances)


def closing(found: Transcription) -> tuple[PostTranscript, PostFinalTranscript]:
    result = Result(metadata=METADATA, transcription=found)
    return (
        PostTranscript(session_id=SESSION, created_at=AT, data=found),
        PostFinalTranscript(session_id=SESSION, created_at=AT, data=result),
    )


def told(message: Message) -> Transcription:
    assert isinstance(message, PostTranscript | PostFinalTranscript)
    found = message.data if isinstance(message, PostTranscript) else message.data.transcription
    assert isinstance(found, Transcription)
    return found


@given(st.lists(spoken, max_size=40), limits)
def test_a_closing_message_fits_and_stays_valid(said: list[list[str]], limit: int) -> None:
    for message in closing(transcription(said)):
        sent = to_frame(message, limit)
        assert len(sent) <= limit
        assert_valid_message(json.loads(sent))
        assert type(decode_server_message(sent)) is type(message)


@given(st.lists(spoken, max_size=40), limits)
def test_nothing_is_left_out_that_had_room(said: list[list[str]], limit: int) -> None:
    for message in closing(transcription(said)):
        whole, kept = told(message), told(decode_server_message(to_frame(message, limit)))
        if len(encode(message)) <= limit:
            assert kept == whole
        elif kept.utterances:
            assert kept.full_transcript == whole.full_transcript
            assert [u.text for u in kept.utterances] == [u.text for u in whole.utterances]
            assert not any(utterance.words for utterance in kept.utterances)
        elif kept.full_transcript != whole.full_transcript:
            assert whole.full_transcript.startswith(kept.full_transcript.removesuffix(ELLIPSIS))


def hours(count: float, channels: int) -> Transcription:
    """Speech without a pause on every channel, in utterances of five seconds."""
    words = ["incredulity"] * 15
    return transcription([words] * round(count * 720 * channels))


def test_three_hours_keep_their_utterances_without_words() -> None:
    for message in closing(hours(3, channels=1)):
        assert len(encode(message)) > MAX_FRAME_BYTES
        sent = to_frame(message)
        kept = told(decode_server_message(sent))
        assert len(sent) <= MAX_FRAME_BYTES
        assert kept.full_transcript == told(message).full_transcript
        assert len(kept.utterances) == 3 * 720


def test_three_hours_of_eight_channels_keep_the_beginning_of_the_text() -> None:
    for message in closing(hours(3, channels=8)):
        sent = to_frame(message)
        kept = told(decode_server_message(sent))
        assert MAX_FRAME_BYTES - 100 < len(sent) <= MAX_FRAME_BYTES
        assert kept.utterances == ()
        assert kept.full_transcript.endswith("incredulity …")
