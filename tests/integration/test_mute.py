"""Silence that is not sent: clients that mute, skip pauses, say when a turn is over, or stall."""

import asyncio
import json
import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gladiaio_sdk import GladiaClient, LiveV2InitRequest
from gladiaio_sdk.v2.live.generated_types import LiveV2LanguageConfig, LiveV2MessagesConfig

from integration.server_process import KEY, ServerProcess
from integration.speech import (
    AGES,
    BEST,
    EPOCHS,
    SPRING,
    TIMES,
    pieces,
    spoken,
    together,
    word_error_rate,
)
from integration.stalling_proxy import StallingProxy
from integration.wire import Api, Json, Line, finals, line, of_type, session, spoken_through, text
from vivavoce.client.aio import Client
from vivavoce.protocol.messages import FinalizeAck, Transcript
from vivavoce.protocol.request import InitRequest

PIECE = 3_200
MUTE = 1.0
"""Seconds, by default, after which a quiet client gets its finals."""
SLACK = 15.0
"""Seconds more that a busy machine may take for a round trip and a decoding."""

ONE: Json = {"endpointing": 5, "maximum_duration_without_endpointing": 30}
"""No pause within the clips ends an utterance: what does is the break."""

FIRST = replace(BEST, end=BEST.end - 0.2)
"""Cut so that the engine is sure of every word."""

log = logging.getLogger(__name__)


@pytest.fixture
def brisk(models: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server that waits for 0.3 s of silence only."""
    settings = {"VIVAVOCE_MODELS": str(models), "VIVAVOCE_MUTE_FINALIZE": "0.3"}
    with ServerProcess(tmp_path / "data", settings).running() as process:
        yield process


async def next_final(talking: Line) -> Json:
    while True:
        message = await talking.next("transcript")
        if message["data"]["is_final"]:
            return dict(message["data"])


async def keep_alive(talking: Line) -> None:
    while True:
        await talking.send([b""])
        await asyncio.sleep(0.2)


@pytest.mark.parametrize("keepalives", [False, True])
async def test_a_mute_in_mid_sentence_brings_the_end_of_speech_and_the_final(
    api: Api, *, keepalives: bool
) -> None:
    half = spoken(FIRST).audio
    async with session(api, **ONE) as (_, talking):
        await talking.send(pieces(half, PIECE))
        muted = time.monotonic()
        keeping = asyncio.create_task(keep_alive(talking)) if keepalives else None
        end = await talking.next("speech_end")
        waited = time.monotonic() - muted
        final = await next_final(talking)
        took = time.monotonic() - muted
        if keeping:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
        log.info("speech_end after %.2f s, final after %.2f s", waited, took)
        assert MUTE * 0.9 < waited < took < MUTE + SLACK
        assert end["data"]["time"] <= len(half) / 32_000
        assert word_error_rate(FIRST.words, final["utterance"]["text"]) <= 0.2
        await talking.send(pieces(spoken(AGES).audio, PIECE))
        await talking.stop()
        await talking.rest()
    assert word_error_rate(f"{FIRST.words} {AGES.words}", text(talking.heard)) <= 0.2
    assert len(finals(talking.heard)) >= 2


async def test_nothing_ends_where_nobody_speaks_and_no_message_comes_of_a_mute(api: Api) -> None:
    async with session(api, **ONE) as (_, talking):
        await talking.send(pieces(bytes(64_000), PIECE))
        await asyncio.sleep(2.5 * MUTE)
        await talking.stop()
        await talking.rest()
    assert not of_type(talking.heard, "speech_start", "speech_end", "transcript", "error")


async def test_chunks_longer_than_the_pause_are_not_cut(brisk: ServerProcess) -> None:
    speech = spoken(EPOCHS)
    api = Api(brisk.url)
    _, undisturbed = await spoken_through(api, speech.pieces(), **ONE)
    async with session(api, **ONE) as (_, talking):
        for chunk in pieces(speech.audio, 6 * PIECE):  # 0.6 s, at their own pace
            await asyncio.sleep(len(chunk) / 32_000)
            await talking.send([chunk])
        await talking.stop()
        await talking.rest()
    assert [f["utterance"] for f in finals(talking.heard)] == [
        f["utterance"] for f in finals(undisturbed.heard)
    ]


async def test_a_sender_that_skips_pauses_gets_its_sentences_apart(api: Api) -> None:
    said = (FIRST, AGES, SPRING)
    async with session(api, **ONE) as (_, talking):
        listening = asyncio.create_task(talking.rest())
        for clip in said:
            for packet in pieces(spoken(clip).audio, PIECE // 5):  # 20 ms, twice as fast as spoken
                await talking.send([packet])
                await asyncio.sleep(0.01)
            await asyncio.sleep(1.6)  # nothing is sent while nobody speaks
        before_stop = len(finals(talking.heard))
        await talking.stop()
        await listening
    found = [data["utterance"]["text"] for data in finals(talking.heard)]
    assert before_stop >= len(said) - 1
    assert len(found) == len(said)
    for clip, heard in zip(said, found, strict=True):
        assert word_error_rate(clip.words, heard) <= 0.3


async def test_a_resumed_client_that_is_quiet_gets_its_final(brisk: ServerProcess) -> None:
    api = Api(brisk.url)
    half = spoken(FIRST).audio
    async with session(api, **ONE) as (made, first):
        await first.send(pieces(half, PIECE))
        await first.acknowledged(len(half))
        first.drop()
    async with line(made.url) as second:
        final = await next_final(second)
        assert word_error_rate(FIRST.words, final["utterance"]["text"]) <= 0.2
        await second.send(pieces(spoken(AGES).audio, PIECE))
        await second.stop()
        await second.rest()
    _, *others = finals(second.heard)
    rest = "".join(data["utterance"]["text"] for data in others)
    assert word_error_rate(AGES.words, rest) <= 0.2


STALLS = [("up",), ("down",), ("up", "down")]


@pytest.mark.parametrize("seconds", [0.5, 3.0])
@pytest.mark.parametrize("ways", STALLS, ids="+".join)
async def test_a_line_that_stalls_cuts_nothing(
    brisk: ServerProcess, ways: tuple[str, ...], seconds: float
) -> None:
    """Stalls of up to ten times the pause that counts as silence."""
    speech = spoken(TIMES)
    _, undisturbed = await spoken_through(Api(brisk.url), speech.pieces(), **ONE)
    proxy = StallingProxy(brisk.url)
    async with proxy.running() as url:
        made = await Api(brisk.url).create(**ONE)
        async with line(made.url.replace(brisk.url.removeprefix("http"), url[4:])) as talking:
            listening = asyncio.create_task(talking.rest())
            stalls: list[asyncio.Task[None]] = []
            for number, chunk in enumerate(pieces(speech.audio, PIECE)):
                await talking.send([chunk])
                if number == 12:
                    events = [getattr(proxy, way) for way in ways]
                    stalls.append(asyncio.create_task(proxy.stall(*events, seconds=seconds)))
                await asyncio.sleep(0.1)
            await asyncio.gather(*stalls)
            await talking.stop()
            await listening
    assert [f["utterance"] for f in finals(talking.heard)] == [
        f["utterance"] for f in finals(undisturbed.heard)
    ]


# -- finalize --------------------------------------------------------------------------------------


async def finalize(talking: Line, **data: Any) -> Json:
    """Send it, and wait for its acknowledgement."""
    body: Json = {"type": "finalize"} | ({"data": data} if data else {})
    await talking.socket.send(json.dumps(body))
    return await talking.next("finalize")


async def test_finalize_brings_the_final_at_once(api: Api) -> None:
    half, rest = spoken(FIRST).audio, spoken(AGES).audio
    async with session(api, **ONE) as (_, talking):
        await talking.send(pieces(half, PIECE))
        sent = time.monotonic()
        ack = await finalize(talking)
        assert ack["acknowledged"]
        assert ack["error"] is None
        assert ack["data"] == {"time": round(len(half) / 32_000, 3), "channel": None}
        await talking.send(pieces(rest, PIECE))
        await talking.stop()
        final = await next_final(talking)
        log.info("final %.2f s after finalize", time.monotonic() - sent)
        await talking.rest()
    assert word_error_rate(FIRST.words, final["utterance"]["text"]) <= 0.2
    assert word_error_rate(f"{FIRST.words} {AGES.words}", text(talking.heard)) <= 0.2
    assert final["utterance"]["end"] <= ack["data"]["time"]
    ends = [message["data"]["time"] for message in of_type(talking.heard, "speech_end")]
    assert ends[0] <= ack["data"]["time"]


async def test_finalize_on_one_of_eight_channels_leaves_the_others_open(api: Api) -> None:
    audio = together(*[TIMES] * 8)
    half = round(1.75 * 16_000) * 16
    async with session(api, channels=8, **ONE) as (_, talking):
        await talking.send(pieces(audio[:half], 8 * PIECE))
        ack = await finalize(talking, channel=5)
        assert ack["data"] == {"time": 1.75, "channel": 5}
        await talking.send(pieces(audio[half:], 8 * PIECE))
        await talking.stop()
        await talking.rest()
    found = finals(talking.heard)
    early = [data for data in found if data["utterance"]["end"] <= 1.75]
    assert {data["utterance"]["channel"] for data in early} == {5}
    for channel in range(8):
        assert word_error_rate(TIMES.words, text(talking.heard, channel)) <= 0.3


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"channel": 1}, "no channel 1"),
        ({"channel": -1}, "no channel -1"),
        ({"channel": "0"}, "data.channel must be"),
        ({"channel": True}, "data.channel must be"),
    ],
)
async def test_a_channel_that_is_none_is_refused_and_the_session_goes_on(
    api: Api, data: Json, reason: str
) -> None:
    async with session(api, **ONE) as (_, talking):
        await talking.send(pieces(spoken(FIRST).audio, PIECE))
        ack = await finalize(talking, **data)
        assert (ack["acknowledged"], ack["data"]) == (False, None)
        assert reason in ack["error"]["message"]
        await talking.stop()
        await talking.rest()
    assert len(finals(talking.heard)) == 1


async def test_finalize_after_the_stop_is_refused(api: Api) -> None:
    async with session(api, **ONE) as (_, talking):
        await talking.send(pieces(spoken(FIRST).audio, PIECE))
        await talking.stop()
        ack = await finalize(talking)
        assert not ack["acknowledged"]
        assert "stopped" in ack["error"]["message"]
        await talking.rest()


async def test_finalize_after_a_resume_stands_behind_the_audio_that_came_again(api: Api) -> None:
    half, rest = spoken(FIRST).audio, spoken(AGES).audio
    async with session(api, **ONE) as (made, first):
        await first.send(pieces(half[:32_000], PIECE))
        await first.acknowledged(32_000)
        first.drop()
    async with line(made.url) as second:
        await second.send(pieces(half[16_000:], PIECE))
        ack = await finalize(second)
        assert ack["data"]["time"] == round(len(half) / 32_000, 3)
        await second.send(pieces(rest, PIECE))
        await second.stop()
        await second.rest()
    found = finals(second.heard)
    assert word_error_rate(FIRST.words, found[0]["utterance"]["text"]) <= 0.2
    assert word_error_rate(f"{FIRST.words} {AGES.words}", text(second.heard)) <= 0.2


async def test_a_voice_agent_on_our_client_finalizes_each_turn(server: ServerProcess) -> None:
    said = (FIRST, AGES)
    heard: list[str] = []
    async with Client(server.url, KEY) as client:
        session = await client.create(InitRequest(endpointing=5))
    async with session:
        turn = iter(said)
        await session.send_audio(spoken(next(turn)).audio)
        await session.finalize()
        async for message in session:
            if isinstance(message, FinalizeAck):
                assert message.acknowledged
            if isinstance(message, Transcript) and message.data.is_final:
                heard.append(message.data.utterance.text)
                if (clip := next(turn, None)) is None:
                    await session.stop()
                else:
                    await session.send_audio(spoken(clip).audio)
                    await session.finalize()
    assert word_error_rate(" ".join(c.words for c in said), " ".join(heard)) <= 0.25
    assert len(heard) == len(said)


async def test_a_replay_from_the_journal_makes_the_same_finals(
    own: ServerProcess, models: Path
) -> None:
    """Killed before it has decoded, the server finds the breaks where they were."""
    del models
    parts = [spoken(clip).audio for clip in (FIRST, AGES, SPRING)]
    api = Api(own.url)

    async def told(*, killed: bool) -> list[Json]:
        async with session(api, **ONE) as (made, talking):
            for part in parts[:2]:
                await talking.send(pieces(part, PIECE))
                assert (await finalize(talking))["acknowledged"]
            if killed:
                own.kill()
            talking.drop()
        if killed:
            own.start()
        async with line(made.url) as again:
            await again.send(pieces(parts[2], PIECE))
            await again.stop()
            await again.rest()
        job = await api.done(made.id)
        return list(job["result"]["transcription"]["utterances"])

    undisturbed = await told(killed=False)
    assert len(undisturbed) == len(parts)
    assert await told(killed=True) == undisturbed


# -- the published SDK -----------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:connect.. must be used as:DeprecationWarning")
async def test_the_official_sdk_gets_its_final_when_it_mutes(server: ServerProcess) -> None:
    client = GladiaClient(api_key=KEY, api_url=server.url).live_async()
    wanted = LiveV2InitRequest(
        sample_rate=16000,
        endpointing=5,
        language_config=LiveV2LanguageConfig(languages=["en"]),
        messages_config=LiveV2MessagesConfig(receive_partial_transcripts=True),
    )
    talking = client.start_session(wanted)
    begun = time.monotonic()
    told: list[tuple[float, Json]] = []
    final, ended = asyncio.Event(), asyncio.Event()

    def heard(message: Any) -> None:
        told.append((time.monotonic() - begun, message.to_dict()))
        kind, data = message.type, told[-1][1].get("data") or {}
        log.info("%6.2f s  %s %s", told[-1][0], kind, data if kind != "audio_chunk" else "")
        if kind == "transcript" and data["is_final"]:
            final.set()

    talking.on("message", heard)
    talking.on("error", lambda _: None)
    talking.on("ended", lambda _: ended.set())
    try:
        async with asyncio.timeout(60):
            await talking.get_session_id()
            for chunk in pieces(spoken(FIRST).audio, PIECE):
                talking.send_audio(chunk)
                await asyncio.sleep(0.1)
            muted = time.monotonic() - begun
            log.info("%6.2f s  muted in mid-sentence", muted)
            await final.wait()
            talking.stop_recording()
            await ended.wait()
    finally:
        talking.end_session()
        await client._http_client.close()  # noqa: SLF001  the SDK has no public way to close it
    [end] = [at for at, message in told if message["type"] == "speech_end"]
    assert MUTE * 0.8 < end - muted < MUTE + SLACK
