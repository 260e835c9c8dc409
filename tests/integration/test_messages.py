"""Which messages come, in what order, and how the flags choose among them."""

import asyncio
from collections import Counter
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from integration.speech import (
    AGES,
    BEGINNING,
    BEST,
    EPOCHS,
    TIMES,
    pieces,
    spoken,
    together,
    word_error_rate,
)
from integration.wire import Api, Json, Line, finals, of_type, session, spoken_through, text

MOST_MISHEARD = 0.15
CHUNK = 3200
EVERYTHING = {"receive_partial_transcripts": True, "receive_lifecycle_events": True}


async def listened(api: Api, **config: bool) -> Line:
    """A session spoken in real time, so that there is time for partials."""
    speech = spoken(TIMES)
    async with session(api, messages_config=config) as (_, line):
        for piece in speech.pieces(CHUNK):
            await line.send([piece])
            await asyncio.sleep(speech.format.seconds(CHUNK))
        await line.stop()
        await line.rest()
    return line


async def test_a_session_with_everything_on_tells_its_story_in_order(api: Api) -> None:
    line = await listened(api, **EVERYTHING)
    heard = line.heard
    kinds = [message["type"] for message in heard if message["type"] != "audio_chunk"]
    assert kinds[0] == "start_recording"
    assert kinds[-4:] == [
        "end_recording",
        "post_transcript",
        "post_final_transcript",
        "end_session",
    ]
    assert Counter(kinds)["start_session"] == 0  # the SDK makes that one up itself
    assert Counter(kinds)["start_recording"] == 1
    assert line.close_code == 1000
    assert_envelopes(heard)
    assert_partials_lead_to_finals(heard)
    assert_speech_events_come_in_pairs(heard, channels=1)
    assert_times_make_sense(heard)
    (ended,) = of_type(heard, "end_recording")
    assert ended["data"]["recording_duration"] == pytest.approx(spoken(TIMES).seconds, abs=1e-3)


async def test_what_was_heard_at_once_is_what_is_told_at_the_end(api: Api) -> None:
    speech = spoken(BEGINNING)
    _, line = await spoken_through(api, speech.pieces())
    utterances = [data["utterance"] for data in finals(line.heard)]
    assert word_error_rate(speech.words, text(line.heard)) <= MOST_MISHEARD
    assert_times_make_sense(line.heard)
    (post,) = of_type(line.heard, "post_transcript")
    assert post["data"]["utterances"] == utterances
    assert post["data"]["full_transcript"].split() == text(line.heard).split()
    assert post["data"]["languages"] == ["en"]
    (last,) = of_type(line.heard, "post_final_transcript")
    assert last["data"]["transcription"] == post["data"]


async def test_by_default_there_are_no_partials_and_no_lifecycle_messages(api: Api) -> None:
    _, line = await spoken_through(api, spoken(BEST).pieces())
    assert {message["type"] for message in line.heard} == {
        "audio_chunk",
        "speech_start",
        "speech_end",
        "transcript",
        "stop_recording",
        "post_transcript",
        "post_final_transcript",
    }
    assert all(m["data"]["is_final"] for m in of_type(line.heard, "transcript"))
    assert line.heard[-1]["type"] == "post_final_transcript"
    assert line.close_code == 1000


GATES = {
    "receive_final_transcripts": {"transcript"},
    "receive_speech_events": {"speech_start", "speech_end"},
    "receive_post_processing_events": {"post_transcript", "post_final_transcript"},
    "receive_acknowledgments": {"audio_chunk", "stop_recording"},
    "receive_lifecycle_events": {"start_recording", "end_recording", "end_session"},
    "receive_errors": {"error"},
}


@pytest.mark.parametrize("flag", GATES)
async def test_each_flag_holds_its_own_messages_back_and_no_others(api: Api, flag: str) -> None:
    config = {"receive_lifecycle_events": True, flag: False}
    async with session(api, messages_config=config) as (made, line):
        await line.socket.send('{"type":"from the future"}')
        await line.send(spoken(BEST).pieces())
        await line.stop()
        heard = await line.rest()
    everything = set[str]().union(*GATES.values())
    assert {message["type"] for message in heard} == everything - GATES[flag]
    result = (await api.done(made.id))["result"]
    assert word_error_rate(BEST.words, result["transcription"]["full_transcript"]) == 0


async def test_three_speakers_at_once_are_told_apart_by_their_channels(api: Api) -> None:
    clips = (TIMES, AGES, EPOCHS)
    made, line = await spoken_through(
        api, pieces(together(*clips), 9600), channels=3, messages_config=EVERYTHING
    )
    for channel, clip in enumerate(clips):
        assert word_error_rate(clip.words, text(line.heard, channel)) <= MOST_MISHEARD
    for data in finals(line.heard):
        assert data["id"].startswith(f"{data['utterance']['channel']:02d}_")
    assert_speech_events_come_in_pairs(line.heard, channels=3)
    assert_times_make_sense(line.heard)
    result = (await api.done(made.id))["result"]
    assert result["metadata"]["number_of_distinct_channels"] == 3
    duration = result["metadata"]["audio_duration"]
    assert result["metadata"]["billing_time"] == pytest.approx(3 * duration, abs=0.01)
    starts = [utterance["start"] for utterance in result["transcription"]["utterances"]]
    assert starts == sorted(starts)


async def test_a_silent_channel_yields_nothing(api: Api) -> None:
    speech = spoken(BEST)
    one, silent = speech.audio, bytes(len(speech.audio))
    both = b"".join(
        left + right for left, right in zip(pieces(one, 2), pieces(silent, 2), strict=True)
    )
    _, line = await spoken_through(api, pieces(both, 6400), channels=2)
    assert word_error_rate(speech.words, text(line.heard, 0)) == 0
    assert {data["utterance"]["channel"] for data in finals(line.heard)} == {0}
    moments = of_type(line.heard, "speech_start", "speech_end")
    assert {moment["data"]["channel"] for moment in moments} == {0}


async def test_endpointing_decides_what_an_utterance_is(api: Api) -> None:
    speech = spoken(TIMES)
    _, patient = await spoken_through(api, speech.pieces(), endpointing=2)
    _, hasty = await spoken_through(api, speech.pieces(), endpointing=0.05)
    assert len(finals(patient.heard)) == 1
    assert len(finals(hasty.heard)) == 2
    assert word_error_rate(speech.words, text(patient.heard)) <= MOST_MISHEARD


async def test_unbroken_speech_is_cut_at_the_maximum_duration(api: Api) -> None:
    speech = spoken(BEGINNING)
    _, line = await spoken_through(
        api, speech.pieces(), endpointing=10, maximum_duration_without_endpointing=5
    )
    lengths = [d["utterance"]["end"] - d["utterance"]["start"] for d in finals(line.heard)]
    assert len(lengths) >= 3
    assert max(lengths) <= 5.3
    assert word_error_rate(speech.words, text(line.heard)) <= 0.25
    assert_speech_events_come_in_pairs(line.heard, channels=1)


def assert_envelopes(heard: list[Json]) -> None:
    """Every message has the session's id and the time when it was made."""
    assert len({message["session_id"] for message in heard}) == 1
    for message in heard:
        assert message["created_at"].endswith("Z")
        assert datetime.fromisoformat(message["created_at"]).tzinfo is not None


def assert_partials_lead_to_finals(heard: list[Json]) -> None:
    """Every partial stands before the one final of its id, and nothing of that id after it."""
    told = [message["data"] for message in of_type(heard, "transcript")]
    ids = [data["id"] for data in told if data["is_final"]]
    assert len(ids) == len(set(ids))
    partials = [data["id"] for data in told if not data["is_final"]]
    assert set(partials) == set(ids)
    for identity in ids:
        flags = [data["is_final"] for data in told if data["id"] == identity]
        assert flags == sorted(flags)


def assert_speech_events_come_in_pairs(heard: list[Json], *, channels: int) -> None:
    """Start and end alternate on each channel, in the order of their times."""
    for channel in range(channels):
        moments = [
            (moment["type"], moment["data"]["time"])
            for moment in of_type(heard, "speech_start", "speech_end")
            if moment["data"]["channel"] == channel
        ]
        kinds = [kind for kind, _ in moments]
        assert kinds == ["speech_start", "speech_end"] * (len(moments) // 2)
        assert kinds
        times = [time for _, time in moments]
        assert times == sorted(times)


def assert_times_make_sense(heard: list[Json]) -> None:
    """Words lie in order inside their utterance, utterances in order on their channel."""
    by_channel: dict[int, list[Any]] = {}
    for message in of_type(heard, "transcript"):
        utterance = message["data"]["utterance"]
        assert utterance["text"] == "".join(word["word"] for word in utterance["words"])
        assert utterance["text"].startswith(" ")
        assert utterance["language"] == "en"
        assert 0 <= utterance["confidence"] <= 1
        edges = [edge for word in utterance["words"] for edge in (word["start"], word["end"])]
        assert edges == sorted(edges)
        assert utterance["start"] <= edges[0]
        assert edges[-1] <= utterance["end"]
        assert all(0 <= word["confidence"] <= 1 for word in utterance["words"])
        if message["data"]["is_final"]:
            by_channel.setdefault(utterance["channel"], []).append(message["data"])
    for told in by_channel.values():
        assert [data["id"] for data in told] == sorted(data["id"] for data in told)
        for before, after in pairwise(data["utterance"] for data in told):
            assert before["end"] <= after["start"] + 0.05


async def test_words_that_are_marked_as_stable_begin_every_later_partial(api: Api) -> None:
    partials_on = {"receive_partial_transcripts": True}
    plain, marked = await asyncio.gather(
        listened(api, **partials_on), listened(api, **partials_on, mark_stable_words=True)
    )
    said = [m["data"] for m in of_type(plain.heard, "transcript")]
    assert not any("stable_words" in data for data in said)
    partials: dict[str, list[Json]] = {}
    for message in of_type(marked.heard, "transcript"):
        data = message["data"]
        assert ("stable_words" in data) is not data["is_final"]
        if not data["is_final"]:
            partials.setdefault(data["id"], []).append(data)
    for before, after in (pair for each in partials.values() for pair in pairwise(each)):
        stable = before["stable_words"]
        assert after["stable_words"] >= stable
        assert after["utterance"]["words"][:stable] == before["utterance"]["words"][:stable]
    assert any(data["stable_words"] for each in partials.values() for data in each)
