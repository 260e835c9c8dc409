"""The published client over a line that breaks: not a byte is lost or doubled, no word changes."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest
from gladiaio_sdk import GladiaClient, LiveV2InitRequest
from gladiaio_sdk.v2.live.async_client import LiveV2AsyncClient
from gladiaio_sdk.v2.live.generated_types import LiveV2LanguageConfig, LiveV2TranscriptMessage

from integration.fault_proxy import Cut, FaultProxy
from integration.server_process import KEY, ServerProcess
from integration.speech import BEGINNING, pieces, spoken

# The SDK opens its socket in a way that the websockets library wants to give up one day.
pytestmark = pytest.mark.filterwarnings("ignore:connect.. must be used as:DeprecationWarning")

PATIENCE = 60
PIECE = 3200
KILO = 1024

Final = tuple[str, float, float]
Finals = dict[str, Final]


def final(utterance: Any) -> Final:
    return utterance.text, utterance.start, utterance.end


@asynccontextmanager
async def sdk(url: str) -> AsyncIterator[LiveV2AsyncClient]:
    client = GladiaClient(api_key=KEY, api_url=url).live_async()
    yield client
    await client._http_client.close()  # noqa: SLF001  the SDK has no public way to close it


@dataclass(frozen=True)
class Told:
    """What a session came to.

    Attributes:
        finals: as they were heard, by id.
        result: the utterances of the result.
        recording: its samples.
    """

    finals: Finals
    result: list[Final]
    recording: bytes


async def streamed(url: str, audio: bytes) -> Told:
    """A session from its start to its end."""
    finals: Finals = {}
    ended = asyncio.Event()
    connected = asyncio.Event()

    def hear(message: Any) -> None:
        if isinstance(message, LiveV2TranscriptMessage) and message.data.is_final:
            told = final(message.data.utterance)
            assert finals.setdefault(message.data.id, told) == told

    async with sdk(url) as live:
        request = LiveV2InitRequest(
            sample_rate=16000, language_config=LiveV2LanguageConfig(languages=["en"])
        )
        session = live.start_session(request)
        session.on("message", hear)
        session.on("connecting", lambda _: connected.clear())
        session.on("connected", lambda _: connected.set())
        session.on("ended", lambda _: ended.set())
        async with asyncio.timeout(PATIENCE):
            for piece in pieces(audio, PIECE):
                with suppress(RuntimeError):  # between two sockets; the SDK has kept the audio
                    session.send_audio(piece)
                await asyncio.sleep(0.004)
            await connected.wait()  # a stop while it is not is lost by this SDK
            session.stop_recording()
            await ended.wait()
        assert session.session_id
        recording = await live.get_file(session.session_id)
        job = await live.get(session.session_id)
    assert job.result
    assert job.result.transcription
    utterances = job.result.transcription.utterances
    return Told(finals, [final(utterance) for utterance in utterances], recording[44:])


def cuts(seed: int, count: int, most: int, *, losing: bool) -> list[Cut]:
    source = random.Random(seed)
    return [
        Cut(
            source.randrange(4 * KILO, most),
            source.choice((0, 8 * KILO, 24 * KILO)) if losing else 0,
        )
        for _ in range(count)
    ]


async def over_a_breaking_line(server: ServerProcess, audio: bytes, script: list[Cut]) -> Told:
    proxy = FaultProxy(server.url, script)
    async with proxy.running() as url:
        told = await streamed(url, audio)
    assert proxy.sockets > len(script) // 2
    return told


@pytest.mark.parametrize("seed", range(4))
async def test_speech_survives_lost_audio_and_lost_acks(server: ServerProcess, seed: int) -> None:
    speech = spoken(BEGINNING)
    undisturbed = await streamed(server.url, speech.audio)
    told = await over_a_breaking_line(server, speech.audio, cuts(seed, 14, 48 * KILO, losing=True))
    assert told.recording == speech.audio
    assert told.result == undisturbed.result
    # What the server said into a line that was dead already is in the result alone.
    assert told.finals.items() <= undisturbed.finals.items()


@pytest.mark.parametrize(
    "audio",
    [
        pytest.param(bytes(800_000), id="digital silence"),
        pytest.param(random.Random(5).randbytes(320) * 2500, id="tone"),
    ],
)
async def test_sound_that_repeats_is_neither_lost_nor_doubled_where_the_acks_arrived(
    server: ServerProcess, audio: bytes
) -> None:
    told = await over_a_breaking_line(server, audio, cuts(3, 12, 90 * KILO, losing=False))
    assert told.recording == audio
