"""Two runs over the same audio differ in their clocks and names, and in nothing else."""

import json
from typing import Any

import pytest

from likeness import result_differences

Json = dict[str, Any]


def message(kind: str, session: str, **data: Any) -> str:
    made = {"type": kind, "session_id": session, "created_at": f"at {session}", "data": data}
    return json.dumps(made)


def result(*messages: str, seconds: float = 5.0, took: float = 1.0) -> Json:
    metadata = {"audio_duration": seconds, "transcription_time": took}
    return {"metadata": metadata, "messages": list(messages)}


def final(session: str, channel: int, text: str) -> str:
    return message("transcript", session, utterance={"channel": channel, "text": text})


def test_clocks_and_names_do_not_count() -> None:
    one = result(final("a", 0, "hello"), took=1.0)
    other = result(final("b", 0, "hello"), took=9.0)
    assert list(result_differences(one, other)) == []


def test_it_does_not_count_whether_a_final_or_the_next_speaker_was_first() -> None:
    begun = [message("speech_start", name, time=3.0, channel=0) for name in "ab"]
    one = result(final("a", 0, "hello"), begun[0])
    other = result(begun[1], final("b", 0, "hello"))
    assert list(result_differences(one, other)) == []


@pytest.mark.parametrize(
    ("found", "part"),
    [
        (result(final("a", 0, "hallo")), "messages of transcript on 0"),
        (result(), "messages of transcript on 0"),
        (
            result(final("a", 0, "hello"), final("a", 0, "hello")),
            "messages of transcript on 0",
        ),
        (result(final("a", 0, "hello"), seconds=4.9), "metadata"),
    ],
)
def test_every_other_difference_is_named(found: Json, part: str) -> None:
    (difference,) = result_differences(found, result(final("b", 0, "hello")))
    assert part in difference
