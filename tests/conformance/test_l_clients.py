"""L. Channels, limits, clients: published clients, driven as in their own tests."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from gladiaio_sdk import GladiaClient, LiveV2InitRequest
from gladiaio_sdk.v2.live.generated_types import LiveV2LanguageConfig, LiveV2TranscriptMessage

from clients import test_javascript as javascript
from clients import test_livekit as livekit
from clients import test_pipecat as pipecat
from clients import test_videosdk as videosdk
from clients.conftest import Server
from clients.spoken import BECKETT, TWO_CITIES, sound, write_wav
from conformance.support import mono
from integration.server_process import KEY, ServerProcess
from integration.speech import TIMES, pieces, word_error_rate
from integration.wire import PATIENCE, Api

QUIET_MINUTE = 60.0


@pytest.fixture
def target(server: ServerProcess) -> Server:
    """The server as the clients' tests know it."""
    return Server(server.url, KEY)


def request() -> LiveV2InitRequest:
    """A session in English."""
    return LiveV2InitRequest(
        sample_rate=16000, language_config=LiveV2LanguageConfig(languages=["en"])
    )


def finals(told: list[Any]) -> str:
    """The words of the final transcripts among the messages."""
    found = (m.data for m in told if isinstance(m, LiveV2TranscriptMessage))
    return "".join(data.utterance.text for data in found if data.is_final)


def with_sdk(url: str) -> tuple[str, str | None, int]:
    """The words, id and close code of a session of the synchronous SDK."""
    client = GladiaClient(api_key=KEY, api_url=url).live()
    session = client.start_session(request())
    told: list[Any] = []
    codes: list[int] = []
    session.on("message", told.append)
    session.on("ended", lambda ended: codes.append(ended.code))
    assert session.wait_until_ready(PATIENCE)
    for piece in pieces(mono(TIMES), 3200):
        session.send_audio(piece)
    session.stop_recording()
    assert session.join(PATIENCE)
    client._http_client.close()  # noqa: SLF001  the SDK has no public way to close it
    return finals(told), session.session_id, codes[0]


async def with_async_sdk(url: str) -> tuple[str, str | None, int]:
    """The same of the asynchronous SDK."""
    client = GladiaClient(api_key=KEY, api_url=url).live_async()
    session = client.start_session(request())
    told: list[Any] = []
    code: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    connected = asyncio.Event()
    session.on("message", told.append)
    session.on("connected", lambda _: connected.set())
    session.on("ended", lambda ended: code.set_result(ended.code))
    async with asyncio.timeout(PATIENCE):
        await connected.wait()
        for piece in pieces(mono(TIMES), 3200):
            session.send_audio(piece)
        session.stop_recording()
        await code
    await client._http_client.close()  # noqa: SLF001  as above
    return finals(told), session.session_id, code.result()


@pytest.mark.filterwarnings("ignore:connect.. must be used as:DeprecationWarning")
async def test_142_the_official_sdks_complete_a_session(
    api: Api, target: Server, tmp_path: Path
) -> None:
    """The official Python (sync, async) and JS sessions complete against the server unmodified."""
    for words, session_id, code in (
        await asyncio.to_thread(with_sdk, target.url),
        await with_async_sdk(target.url),
    ):
        assert code == 1000
        assert session_id
        assert word_error_rate(TIMES.words, words) <= 0.1
        assert (await api.done(session_id))["status"] == "done"
    javascript.test_the_official_sdk_completes_a_session_with_every_kind_of_audio(target, tmp_path)


def test_143_livekit_streams_and_recognises(target: Server, tmp_path: Path) -> None:
    """LiveKit `STT(base_url=…)`, stream and recognise, complete."""
    task = {"url": target.live, "key": target.key, "pace": 1.0}
    livekit.test_a_stream_shows_partials_and_finals_and_ends(target, task, tmp_path)
    livekit.test_a_clip_is_recognized(target, task, tmp_path)


def test_144_pipecat_outlives_a_quiet_minute(target: Server, tmp_path: Path) -> None:
    """Pipecat `GladiaSTTService(url=…)` completes, with a 60 s quiet period and keep-alive."""
    first = write_wav(tmp_path / "first.wav", sound(TWO_CITIES, then_silent=1.5))
    second = write_wav(tmp_path / "second.wav", sound(BECKETT, then_silent=1.0))
    task = {"url": target.live, "key": target.key, "quiet": QUIET_MINUTE}
    task |= {"first": first, "second": second}
    pipecat.test_a_pipeline_with_the_defaults_outlives_a_quiet_time_on_one_connection(target, task)


def test_145_videosdk_completes_a_session(target: Server, tmp_path: Path) -> None:
    """videosdk plugin completes with its URL constant patched."""
    videosdk.test_a_room_is_given_partials_and_finals(target, tmp_path)
