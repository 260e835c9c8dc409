"""A client whose line breaks: the session waits, and goes on where it was."""

import asyncio
from itertools import pairwise

import pytest
from websockets.exceptions import ConnectionClosed

from history import History
from integration.fault_proxy import Cut, FaultProxy
from integration.server_process import ServerProcess
from integration.speech import BEGINNING, BEST, TIMES, spoken, word_error_rate
from integration.wire import (
    Api,
    Json,
    acks,
    finals,
    line,
    of_type,
    proved,
    session,
    spoken_through,
    text,
)

MOST_MISHEARD = 0.15

FRAME_HEADER = 8
"""Bytes before the payload of a client's frame of this size."""


def once(heard: list[Json]) -> list[Json]:
    """Messages with each final once: a broken line has it told again, in the same words."""
    told: dict[str, Json] = {}
    kept = []
    for message in heard:
        final = next(iter(finals([message])), None)
        if final is None or told.setdefault(final["id"], final) is final:
            kept.append(message)
        else:
            assert told[final["id"]] == final
    return kept


@pytest.fixture
async def undisturbed(api: Api) -> list[Json]:
    """The finals of the speech when nothing breaks."""
    _, talking = await spoken_through(api, spoken(BEGINNING).pieces())
    return finals(talking.heard)


async def test_a_client_that_comes_back_goes_on_where_it_was(
    api: Api, undisturbed: list[Json]
) -> None:
    speech = spoken(BEGINNING)
    cuts = [0, 100_001, 100_001, 333_334, len(speech.audio)]
    made = await api.create()
    heard: list[Json] = []
    codes = []
    history = History()
    for begin, end in pairwise(cuts):
        async with line(made.url, history) as talking:
            await talking.send([speech.audio[begin:end]])
            if begin != end:
                await talking.acknowledged(end)
            if end < len(speech.audio):
                talking.drop()
            else:
                await talking.stop()
            await talking.rest()
        heard += talking.heard
        codes.append(talking.close_code)
    assert codes == [1006, 1006, 1006, 1000]
    ranges = [a["data"]["byte_range"] for a in acks(heard)]
    assert [r for r in ranges if r[0] != r[1]] == [
        [0, 100_001],
        [100_001, 333_334],
        [333_334, len(speech.audio)],
    ]
    assert history.finals == undisturbed
    heard_once = "".join(final["utterance"]["text"] for final in history.finals)
    assert word_error_rate(speech.words, heard_once) <= MOST_MISHEARD
    await proved(api, made, history, undisturbed)


async def test_what_was_said_while_the_client_was_away_is_told_when_it_is_back(
    api: Api, undisturbed: list[Json]
) -> None:
    speech = spoken(BEGINNING)
    async with session(api, messages_config={"receive_lifecycle_events": True}) as (made, first):
        await first.send(speech.pieces())
        await first.stop()
        await first.next("stop_recording")
        first.drop()
    await api.done(made.id)
    async with line(made.url, first.history) as second:
        await second.rest()
    assert second.close_code == 1000
    assert finals(once(first.heard + second.heard)) == undisturbed
    assert second.heard[-1]["type"] == "end_session"
    assert len(of_type(second.heard, "post_final_transcript")) == 1
    await proved(api, made, first.history, undisturbed)


async def test_an_end_that_a_broken_line_has_swallowed_is_told_again(
    api: Api, server: ServerProcess, undisturbed: list[Json]
) -> None:
    """The session was forgotten once its last message had been handed to a socket.

    A client that this message never reached found its URL refused, and lost what it had missed.
    """
    speech = spoken(BEGINNING)
    frames = speech.pieces()
    sent = len(speech.audio) + FRAME_HEADER * len(frames)
    deaf_from_the_stop_on = Cut(after=2 * sent, losing=sent)
    proxy = FaultProxy(server.url, [deaf_from_the_stop_on])
    made = await api.create()
    async with proxy.running() as url, line(made.url.replace(server.url[4:], url[4:])) as first:
        await first.send(frames)
        await first.acknowledged(len(speech.audio))
        await first.stop()
        await api.done(made.id)
        first.drop()
    async with line(made.url, first.history) as second:
        await second.rest()
    assert second.close_code == 1000
    assert finals(once(first.heard + second.heard)) == undisturbed
    await proved(api, made, first.history, undisturbed)


async def test_finals_that_a_line_swallows_while_it_still_carries_audio_are_told_again(
    api: Api, server: ServerProcess, undisturbed: list[Json]
) -> None:
    """A client that spoke a second after a final was taken to have got it."""
    speech = spoken(BEGINNING)
    frames = speech.pieces()
    sent = len(speech.audio) + FRAME_HEADER * len(frames)
    proxy = FaultProxy(server.url, [Cut(after=2 * sent, losing=2 * sent)])
    made = await api.create()
    async with proxy.running() as url, line(made.url.replace(server.url[4:], url[4:])) as first:
        await first.send(frames)
        await asyncio.sleep(2)
        await first.send([b""])
        await asyncio.sleep(0.1)
        first.drop()
    async with line(made.url, first.history) as second:
        await second.stop()
        await second.rest()
    assert finals(second.heard) == undisturbed
    await proved(api, made, first.history, undisturbed)


async def test_a_tail_that_comes_again_after_the_stop_is_not_refused(api: Api) -> None:
    """A client that lost the answers to its last audio and its stop resends that audio.

    It was refused, because the recording had ended, although every byte of it was stored; Pipecat
    shows that to its user as an error.
    """
    speech = spoken(BEGINNING)
    made = await api.create()
    async with line(made.url) as talking:
        await talking.send(speech.pieces())
        await talking.acknowledged(len(speech.audio))
        await talking.stop()
        await talking.next("stop_recording")
        talking.drop()
        await talking.rest()
    async with line(made.url) as talking:
        await talking.send([speech.audio[-6400:]])
        await talking.rest()
    assert talking.close_code == 1000
    assert all(ack["acknowledged"] for ack in of_type(talking.heard, "audio_chunk"))
    assert (await api.recording(made.id)).endswith(speech.audio)


async def test_the_newest_connection_takes_the_session_over(api: Api) -> None:
    speech = spoken(TIMES)
    half = len(speech.audio) // 2
    async with session(api) as (made, first):
        await first.send([speech.audio[:half]])
        await first.acknowledged(half)
        async with line(made.url, first.history) as second:
            await first.rest()
            assert first.close_code == 4409
            with pytest.raises(ConnectionClosed):
                await first.socket.send(bytes(3200))
            await second.send([speech.audio[half:]])
            await second.stop()
            await second.rest()
    assert second.close_code == 1000
    assert acks(second.heard)[0]["data"]["byte_range"] == [half, len(speech.audio)]
    assert word_error_rate(speech.words, text(once(first.heard + second.heard))) == 0
    await proved(api, made, first.history)


async def test_audio_on_two_lines_at_once_is_neither_lost_nor_doubled(api: Api) -> None:
    chunk = bytes(range(256)) * 10
    async with session(api) as (made, first):
        await first.send([chunk] * 50)
        async with line(made.url) as second:
            await first.rest()
            await second.send([chunk] * 3)
            await second.stop()
            await second.rest()
    told = acks(second.heard)
    taken = told[-1]["data"]["byte_range"][1] // len(chunk)
    assert len(acks(first.heard)) + 3 <= taken <= 53
    assert len(told) == 3
    assert (await api.recording(made.id)).endswith(chunk * taken)


async def test_a_session_that_was_never_connected_to_can_still_be_opened(api: Api) -> None:
    speech = spoken(BEST)
    made = await api.create()
    for _ in range(3):
        async with line(made.url) as talking:
            talking.drop()
    async with line(made.url) as talking:
        await talking.send(speech.pieces())
        await talking.stop()
        await talking.rest()
    assert word_error_rate(speech.words, text(talking.heard)) == 0
