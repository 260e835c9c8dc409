"""F. Resume: a dropped line costs nothing."""

import asyncio
import time
from itertools import pairwise

import pytest
from gladiaio_sdk import GladiaClient
from gladiaio_sdk.v2.live.generated_types import LiveV2TranscriptMessage

from conformance.support import ENGLISH, Parked, Run, finish, mono, run
from integration.cutting_proxy import CuttingProxy
from integration.server_process import KEY, ServerProcess
from integration.speech import TIMES, WHOLE, pieces
from integration.wire import PATIENCE, Api, Json, acks, line, session

CHUNK = 3200
HALF_A_MINUTE = 30


async def assert_same(api: Api, session_id: str, undisturbed: Run) -> None:
    """The session has the transcript, ids and recording of a run without a drop."""
    job = await api.done(session_id)
    assert await api.recording(session_id) == undisturbed.recording
    assert job["result"]["transcription"] == undisturbed.result["transcription"]


async def test_082_a_session_goes_on_after_a_drop(api: Api, plain: Run) -> None:
    """Drop and reopen the same URL: the transcription, its ids and times continue."""
    audio = plain.audio
    cuts = [0, len(audio) // 3, 2 * len(audio) // 3, len(audio)]
    heard: list[Json] = []
    async with session(api, **ENGLISH) as (made, talking):
        talking.drop()  # even before the first byte
    for start, end in pairwise(cuts):
        async with line(made.url) as talking:
            await talking.send(pieces(audio[start:end], CHUNK))
            await talking.acknowledged(end)
            if end == len(audio):
                await finish(talking)
            else:
                talking.drop()
        heard += [m["data"] for m in talking.heard if m["type"] == "transcript"]
    await assert_same(api, made.id, plain)
    once = [data for place, data in enumerate(heard) if data not in heard[:place]]
    assert once == plain.finals[-len(once) :]


@pytest.mark.filterwarnings("ignore:connect.. must be used as:DeprecationWarning")
async def test_083_the_replay_of_the_sdk_changes_nothing(
    api: Api, server: ServerProcess, plain: Run
) -> None:
    """SDK replay of unacknowledged bytes yields a transcript identical to a run without a drop."""
    proxy = CuttingProxy(server.url, [30_000, 45_000, 20_000])
    async with proxy.running() as url:
        client = GladiaClient(api_key=KEY, api_url=url).live_async()
        session = client.start_session({**ENGLISH, "sample_rate": 16000})
        over = asyncio.Event()
        told: list[LiveV2TranscriptMessage] = []
        session.on("ended", lambda _: over.set())
        session.on(
            "message",
            lambda m: told.append(m) if isinstance(m, LiveV2TranscriptMessage) else None,
        )
        session_id = await session.get_session_id()
        for piece in pieces(plain.audio, CHUNK):
            session.send_audio(piece)
            await asyncio.sleep(0.01)
        session.stop_recording()
        await asyncio.wait_for(over.wait(), PATIENCE)
        await client._http_client.close()  # noqa: SLF001  the SDK has no public way to close it
    assert proxy.sockets == 4
    await assert_same(api, session_id, plain)
    # What a broken line may have swallowed is told again, in the same words.
    by_id = {m.data.id: m.data for m in told}
    assert all(by_id[m.data.id] == m.data for m in told)
    assert list(by_id) == sorted(by_id)


async def test_084_lost_acks_double_no_word(api: Api, plain: Run) -> None:
    """If acks were lost in the drop, no word is duplicated."""
    chunks = pieces(plain.audio, CHUNK)
    for lost in (1, 7, 20):
        sent = 24
        async with session(api, **ENGLISH) as (made, talking):
            await talking.send(chunks[:sent])
            await talking.acknowledged(sent * CHUNK)
            talking.drop()
        async with line(made.url) as talking:
            await finish(talking, chunks[sent - lost :])
        await assert_same(api, made.id, plain)


async def test_085_the_count_of_bytes_goes_on(api: Api) -> None:
    """The first ack after a resume continues the session-wide count."""
    audio = mono(TIMES)[: 20 * CHUNK]
    async with session(api, **ENGLISH) as (made, talking):
        await talking.send(pieces(audio[: 10 * CHUNK], CHUNK))
        await talking.acknowledged(10 * CHUNK)
        talking.drop()
    async with line(made.url) as talking:
        await talking.send(pieces(audio[10 * CHUNK :], CHUNK))
        first = await talking.next("audio_chunk")
        assert first["data"] == {
            "byte_range": [10 * CHUNK, 11 * CHUNK],
            "time_range": [1.0, 1.1],
        }
        await finish(talking)
    assert acks(talking.heard)[-1]["data"]["byte_range"][1] == len(audio)


async def test_086_a_replay_may_be_one_large_message(api: Api) -> None:
    """Replay in one large message (Pipecat) works."""
    undisturbed = await run(api, mono(WHOLE))
    audio = undisturbed.audio
    assert len(audio) > 1 << 20
    async with session(api, **ENGLISH) as (made, talking):
        await talking.send([audio[:CHUNK]])
        await talking.acknowledged(CHUNK)
        await talking.send(pieces(audio[CHUNK : 10 * CHUNK], CHUNK))
        talking.drop()
    async with line(made.url) as talking:
        await talking.send_text(audio[CHUNK:])
        await finish(talking)
    await assert_same(api, made.id, undisturbed)


async def test_087_half_a_minute_away_is_no_end(api: Api, parked: Parked, plain: Run) -> None:
    """A drop of at least 30 s does not end the session."""
    away = time.monotonic() - parked.dropped_at
    await asyncio.sleep(max(HALF_A_MINUTE + 1 - away, 0))
    assert (await api.job(parked.session.id))["status"] == "processing"
    async with line(parked.session.url) as talking:
        await finish(talking, pieces(parked.rest, 6400))
        assert talking.close_code == 1000
    await assert_same(api, parked.session.id, plain)


async def test_088_messages_missed_while_away_are_not_lost(api: Api, plain: Run) -> None:
    """Messages produced while the client was away (finals at least) are delivered after the reconnect or are in GET."""  # noqa: E501
    async with session(api, **ENGLISH) as (made, talking):
        await talking.send(pieces(plain.audio, 6400))
        await talking.stop()
        await talking.next("stop_recording")
        talking.drop()
    seen = [m["data"]["id"] for m in talking.heard if m["type"] == "transcript"]
    job = await api.done(made.id)
    assert job["result"]["transcription"] == plain.result["transcription"]
    async with line(made.url) as talking:
        missed = [m for m in await talking.rest() if m["type"] == "transcript"]
        assert talking.close_code == 1000
    everything = [final["id"] for final in plain.finals]
    assert [m["data"]["id"] for m in missed] == everything[len(everything) - len(missed) :]
    assert set(seen) | {m["data"]["id"] for m in missed} <= set(everything)
