"""J. Post-processing and lifecycle: from the first audio to the last message."""

import asyncio

import pytest
from gladiaio_sdk import GladiaClient

from conformance.support import Run, accepts, mono, run
from conformance.test_i_add_ons import ADD_ONS
from integration.server_process import KEY, ServerProcess
from integration.speech import BEST, TIMES, pieces
from integration.wire import PATIENCE, Api

LIFECYCLE = ("start_session", "start_recording", "end_recording", "end_session")


async def test_125_the_transcript_comes_twice(paced: Run) -> None:
    """`post_transcript`, then `post_final_transcript` with `metadata`."""
    first, last = paced.of_type("post_transcript", "post_final_transcript")
    assert (first["type"], last["type"]) == ("post_transcript", "post_final_transcript")
    assert last["data"]["transcription"] == first["data"]
    stored = dict(paced.result)
    del stored["messages"]
    assert last["data"] == stored


@ADD_ONS
async def test_126_a_summary_comes_if_asked_for(api: Api, paced: Run) -> None:
    """`post_summarization` only if asked; its text is also in `post_final_transcript` and in GET."""  # noqa: E501
    assert not paced.of_type("post_summarization")
    found = await run(api, mono(TIMES), post_processing={"summarization": True})
    (told,) = found.of_type("post_summarization")
    assert told["error"] is None
    summary = told["data"]["results"]
    assert summary
    (last,) = found.of_type("post_final_transcript")
    assert last["data"]["summarization"]["results"] == summary
    assert found.result["summarization"]["results"] == summary


@ADD_ONS
async def test_127_the_kinds_of_summary_differ(api: Api) -> None:
    """The three summary types are accepted and differ."""
    summaries = set()
    for kind in ("general", "bullet_points", "concise"):
        config = {"summarization": True, "summarization_config": {"type": kind}}
        found = await run(api, mono(TIMES), post_processing=config)
        summaries.add(found.result["summarization"]["results"])
    assert len(summaries) == 3


async def test_128_chapterization_is_tolerated(api: Api) -> None:
    """`post_processing.chapterization:true` does not fail the request."""
    await accepts(api, post_processing={"chapterization": True})


async def test_129_lifecycle_messages_are_off_by_default(plain: Run) -> None:
    """Lifecycle messages absent by default on the socket."""
    assert not plain.of_type(*LIFECYCLE)


async def test_130_lifecycle_messages_come_where_asked_for(paced: Run) -> None:
    """With the flag on: `start_recording` after the first audio, `end_recording.data.recording_duration`, `end_session` last."""  # noqa: E501
    kinds = [message["type"] for message in paced.messages]
    assert [kind for kind in kinds if kind in LIFECYCLE] == list(LIFECYCLE[1:])
    assert kinds.index("start_recording") < kinds.index("transcript")
    (over,) = paced.of_type("end_recording")
    assert over["data"] == {"recording_duration": round(len(paced.audio) / 32_000, 3)}
    last_final = len(kinds) - 1 - kinds[::-1].index("transcript")
    assert last_final < kinds.index("end_recording") < kinds.index("post_transcript")
    assert kinds[-1] == "end_session"


@pytest.mark.filterwarnings("ignore:connect.. must be used as:DeprecationWarning")
async def test_131_the_user_of_the_sdk_sees_one_start(server: ServerProcess) -> None:
    """The SDK user sees `start_session` once."""
    client = GladiaClient(api_key=KEY, api_url=server.url).live_async()
    options = {"messages_config": {"receive_lifecycle_events": True}, "sample_rate": 16000}
    session = client.start_session(options)
    kinds: list[str] = []
    over = asyncio.Event()
    session.on("message", lambda message: kinds.append(message.type))
    session.on("ended", lambda _: over.set())
    await session.get_session_id()
    for piece in pieces(mono(BEST), 3200):
        session.send_audio(piece)
        await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE):
        while session.status != "connected":  # noqa: ASYNC110  a stop before that would be lost
            await asyncio.sleep(0.01)
        session.stop_recording()
        await over.wait()
    await client._http_client.close()  # noqa: SLF001  the SDK has no public way to close it
    assert [kind for kind in kinds if kind in LIFECYCLE] == list(LIFECYCLE)
