"""L. Channels, limits, clients: several channels in one session, and three hours of it."""

import asyncio

import pytest
from gladiaio_sdk import GladiaClient

from conformance.support import ENGLISH, PHRASE, Run
from integration.server_process import KEY, ServerProcess
from integration.speech import AGES, TIMES, Clip, pieces, together, word_error_rate
from integration.wire import PATIENCE, Api, Json, finals, spoken_through, text

SILENT = Clip("", 0, 0.9)
BYTES_A_SECOND = 8000
TEN_SECONDS = b"\xff" * (10 * BYTES_A_SECOND)
"""Digital silence in µ-law."""
NEARLY_THREE_HOURS = 3 * 360 - 1
"""In tens of seconds."""
MOST_UNACKNOWLEDGED = 64 * len(TEN_SECONDS)


async def spoken_together(api: Api, *clips: Clip) -> tuple[list[Json], Json]:
    """What is heard of clips that are spoken at once, each on its channel, and the stored job."""
    chunks = pieces(together(*clips), 6400 * len(clips))
    made, talking = await spoken_through(api, chunks, channels=len(clips), **ENGLISH)
    return talking.heard, await api.done(made.id)


async def test_139_two_channels_are_told_apart(api: Api) -> None:
    """Two channels: utterances carry `channel` 0 and 1, ids start with the channel number."""
    heard, job = await spoken_together(api, TIMES, AGES)
    for channel, clip in enumerate((TIMES, AGES)):
        assert word_error_rate(clip.words, text(heard, channel)) <= 0.1
    ids = {(final["utterance"]["channel"], final["id"][:3]) for final in finals(heard)}
    assert ids == {(0, "00_"), (1, "01_")}
    assert len({final["id"] for final in finals(heard)}) == len(finals(heard))
    stored = job["result"]["transcription"]["utterances"]
    assert stored == sorted(stored, key=lambda utterance: utterance["start"])


async def test_140_eight_channels_are_billed_eight_times(api: Api) -> None:
    """Eight channels work; `number_of_distinct_channels` = 8 and billing is 8 × duration."""  # noqa: RUF002  the contract's sign
    heard, job = await spoken_together(api, *[PHRASE] * 8)
    for channel in range(8):
        assert word_error_rate(PHRASE.words, text(heard, channel)) == 0
    metadata = job["result"]["metadata"]
    assert metadata["number_of_distinct_channels"] == 8
    assert metadata["audio_duration"] == round(PHRASE.end - PHRASE.start, 3)
    assert metadata["billing_time"] == pytest.approx(8 * metadata["audio_duration"])
    assert job["file"]["number_of_channels"] == 8


async def test_141_a_silent_channel_yields_nothing(api: Api, plain: Run) -> None:
    """A silent channel has no messages."""
    heard, _ = await spoken_together(api, SILENT, TIMES)
    assert {final["utterance"]["channel"] for final in finals(heard)} == {1}
    channels = {
        message["data"]["channel"] for message in heard if message["type"].startswith("speech_")
    }
    assert channels == {1}
    said = [final["utterance"]["text"] for final in plain.finals]
    assert [final["utterance"]["text"] for final in finals(heard)] == said


@pytest.mark.filterwarnings("ignore:connect.. must be used as:DeprecationWarning")
async def test_146_three_hours_do_not_fill_the_memory_of_the_sdk(server: ServerProcess) -> None:
    """A Python SDK client kept alive for 3 h with no user data shows no memory growth from unacked audio.

    Three hours of silence go through as fast as they are taken; the SDK keeps what is not
    acknowledged, and nothing else.
    """  # noqa: E501
    client = GladiaClient(api_key=KEY, api_url=server.url).live_async()
    session = client.start_session({"encoding": "wav/ulaw", "bit_depth": 8, "sample_rate": 8000})
    over = asyncio.Event()
    session.on("ended", lambda _: over.set())
    kept = 0

    def unacknowledged() -> int:
        return len(session._audio_buffer)  # noqa: SLF001  what this check is about

    async with asyncio.timeout(2 * PATIENCE):
        await session.get_session_id()
        for _ in range(NEARLY_THREE_HOURS):
            session.send_audio(TEN_SECONDS)
            kept = max(kept, unacknowledged())
            while unacknowledged() > MOST_UNACKNOWLEDGED // 2:  # noqa: ASYNC110  the SDK tells nobody
                await asyncio.sleep(0.005)
        while unacknowledged():  # noqa: ASYNC110  as above
            await asyncio.sleep(0.01)
        session.stop_recording()
        await over.wait()
    await client._http_client.close()  # noqa: SLF001  the SDK has no public way to close it
    assert 0 < kept < MOST_UNACKNOWLEDGED
