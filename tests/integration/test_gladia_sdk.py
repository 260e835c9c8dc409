"""The published client of the service that this server replaces, unmodified."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any

import pytest
from gladiaio_sdk import GladiaClient, HttpError, LiveV2InitRequest
from gladiaio_sdk.v2.live.async_client import LiveV2AsyncClient
from gladiaio_sdk.v2.live.client import LiveV2Client
from gladiaio_sdk.v2.live.generated_types import (
    LiveV2LanguageConfig,
    LiveV2MessagesConfig,
    LiveV2TranscriptMessage,
)

from integration.server_process import KEY, ServerProcess
from integration.speech import BEGINNING, TIMES, Spoken, spoken, word_error_rate

# The SDK opens its socket in a way that the websockets library wants to give up one day.
pytestmark = pytest.mark.filterwarnings("ignore:connect.. must be used as:DeprecationWarning")

EVENTS = ("started", "connecting", "connected", "ending", "ended", "error", "message")
SENT_AT_ONCE = 3200
PATIENCE = 60
MOST_MISHEARD = 0.15


@pytest.fixture
def live(server: ServerProcess) -> Iterator[LiveV2Client]:
    client = GladiaClient(api_key=KEY, api_url=server.url).live()
    yield client
    client._http_client.close()  # noqa: SLF001  the SDK has no public way to close it


@pytest.fixture
async def live_async(server: ServerProcess) -> AsyncIterator[LiveV2AsyncClient]:
    client = GladiaClient(api_key=KEY, api_url=server.url).live_async()
    yield client
    await client._http_client.close()  # noqa: SLF001  as above


def request(*, partials: bool) -> LiveV2InitRequest:
    return LiveV2InitRequest(
        sample_rate=16000,
        language_config=LiveV2LanguageConfig(languages=["en"]),
        messages_config=LiveV2MessagesConfig(receive_partial_transcripts=partials),
        custom_metadata={"user": "John"},
    )


def paced(*, partials: bool) -> tuple[Spoken, float]:
    """What is said, and the pause after each piece: partials need somebody who speaks."""
    return (spoken(TIMES), 0.1) if partials else (spoken(BEGINNING), 0.0)


Told = list[tuple[str, Any]]


def note(told: Told, event: str, value: Any) -> None:
    told.append((event, value))


def transcripts(told: Told) -> list[LiveV2TranscriptMessage]:
    return [m for event, m in told if event == "message" and isinstance(m, LiveV2TranscriptMessage)]


def assert_told_in_order(told: Told, speech: Spoken, *, partials: bool) -> None:
    """A session from its start to its end, with every word of the speech."""
    events = [event for event, _ in told if event not in {"message", "connecting"}]
    assert events == ["started", "connected", "ending", "ended"]
    assert dict(told)["ended"].code == 1000
    found = transcripts(told)
    assert any(not m.data.is_final for m in found) == partials
    heard = "".join(m.data.utterance.text for m in found if m.data.is_final)
    assert word_error_rate(speech.words, heard) <= MOST_MISHEARD
    opened = {m.data.id for m in found if not m.data.is_final}
    assert opened <= {m.data.id for m in found if m.data.is_final}


@pytest.mark.parametrize("partials", [False, True])
def test_the_synchronous_sdk_runs_a_session_from_start_to_deletion(
    live: LiveV2Client, *, partials: bool
) -> None:
    speech, pause = paced(partials=partials)
    told: Told = []
    ended = threading.Event()
    session = live.start_session(request(partials=partials))
    for event in EVENTS:
        session.add_listener(event, partial(note, told, event))  # type: ignore[call-overload]  # one for all
    session.on("ended", lambda _: ended.set())
    assert session.wait_until_ready(PATIENCE)
    for piece in speech.pieces(SENT_AT_ONCE):
        session.send_audio(piece)
        time.sleep(pause)
    session.stop_recording()
    assert ended.wait(PATIENCE)
    assert session.join(PATIENCE)
    assert_told_in_order(told, speech, partials=partials)

    assert session.session_id
    assert live.get_file(session.session_id).endswith(speech.audio)
    job = live.get(session.session_id)
    assert job.status == "done"
    assert job.custom_metadata == {"user": "John"}
    assert job.result
    assert job.result.transcription
    assert word_error_rate(speech.words, job.result.transcription.full_transcript) <= MOST_MISHEARD
    listed = live.list({"status": ["done"], "custom_metadata": {"user": "John"}, "limit": 1})
    assert [item.id for item in listed.items] == [session.session_id]
    assert live.delete(session.session_id) is True
    with pytest.raises(HttpError) as gone:
        live.get(session.session_id)
    assert gone.value.status == 404


@pytest.mark.parametrize("partials", [False, True])
async def test_the_asynchronous_sdk_runs_a_session_from_start_to_deletion(
    live_async: LiveV2AsyncClient, *, partials: bool
) -> None:
    speech, pause = paced(partials=partials)
    live = live_async
    told: Told = []
    connected, ended = asyncio.Event(), asyncio.Event()
    session = live.start_session(request(partials=partials))
    for event in EVENTS:
        session.add_listener(event, partial(note, told, event))  # type: ignore[call-overload]  # one for all
    session.on("connected", lambda _: connected.set())
    session.on("ended", lambda _: ended.set())
    async with asyncio.timeout(PATIENCE):
        await connected.wait()
        for piece in speech.pieces(SENT_AT_ONCE):
            session.send_audio(piece)
            await asyncio.sleep(pause)
        session.stop_recording()
        await ended.wait()
    assert_told_in_order(told, speech, partials=partials)

    assert session.session_id
    recording = await live.get_file(session.session_id)
    assert recording.startswith(b"RIFF")
    assert recording.endswith(speech.audio)
    job = await live.get(session.session_id)
    assert job.status == "done"
    assert job.result
    assert job.result.transcription
    assert word_error_rate(speech.words, job.result.transcription.full_transcript) <= MOST_MISHEARD
    assert session.session_id in [item.id for item in (await live.list()).items]
    assert await live.delete(session.session_id) is True
    with pytest.raises(HttpError) as gone:
        await live.get(session.session_id)
    assert gone.value.status == 404


async def test_the_sdk_shows_which_parameters_are_wrong(live_async: LiveV2AsyncClient) -> None:
    """Asynchronous, since its work begins only once we wait.

    The synchronous session begins in a thread of its own, and under load its error was there
    before anybody listened.
    """
    told: asyncio.Queue[Exception] = asyncio.Queue()
    session = live_async.start_session({"sample_rate": 11025, "channels": 9})
    session.on("error", told.put_nowait)
    async with asyncio.timeout(PATIENCE):
        error = await told.get()
    assert isinstance(error, HttpError)
    assert error.status == 400
    assert error.validation_errors is not None
    assert [fault.split()[0] for fault in error.validation_errors] == ["sample_rate", "channels"]


def test_the_sdk_says_that_a_key_is_unknown(server: ServerProcess) -> None:
    live = GladiaClient(api_key="another", api_url=server.url).live()
    with pytest.raises(HttpError, match="gladia key not found") as refused:
        live.list()
    live._http_client.close()  # noqa: SLF001  as above
    assert refused.value.status == 401
