"""G. Ending: stops that come, that come twice, that get lost, and that never come."""

import asyncio

from conformance.support import ENGLISH, EVERY_MESSAGE, SECOND, Run, finish, mono
from integration.speech import TIMES, pieces
from integration.wire import PATIENCE, STOP, Api, Json, acks, finals, line, of_type, session, text
from vivavoce.server.settings import Settings

CHUNK = 6400
THREE_HOURS = 3 * 3600


def refused(message: Json) -> bool:
    """Whether an acknowledgement is a refusal with its reason."""
    return (message["acknowledged"], message["data"]) == (False, None) and bool(
        message["error"]["message"]
    )


async def test_089_a_stop_is_acknowledged_with_durations(api: Api) -> None:
    """`stop_recording` → ack with `recording_duration` and `recording_left_to_process`."""
    audio = mono(TIMES)
    async with session(api, **ENGLISH) as (_, talking):
        await finish(talking, pieces(audio, CHUNK))
    (ack,) = of_type(talking.heard, "stop_recording")
    assert (ack["acknowledged"], ack["error"]) == (True, None)
    assert set(ack["data"]) == {"recording_duration", "recording_left_to_process"}
    assert ack["data"]["recording_duration"] == round(len(audio) / SECOND, 3)
    assert 0 <= ack["data"]["recording_left_to_process"] <= ack["data"]["recording_duration"]


async def test_090_finals_then_post_processing_then_the_close(paced: Run) -> None:
    """After the stop, all pending finals arrive, then post-processing, then close 1000."""
    kinds = [m["type"] for m in paced.messages]
    last_final = len(kinds) - 1 - kinds[::-1].index("transcript")
    assert last_final < kinds.index("post_transcript") < kinds.index("post_final_transcript")
    assert paced.close_code == 1000
    told = paced.of_type("post_final_transcript")[0]["data"]["transcription"]
    assert told["utterances"] == [final["utterance"] for final in paced.finals]


async def test_091_a_second_stop_is_refused(api: Api) -> None:
    """A second stop → `acknowledged:false`, no close."""
    async with session(api, **ENGLISH) as (_, talking):
        await talking.send(pieces(mono(TIMES), CHUNK))
        for _ in range(3):
            await talking.stop()
        await talking.rest()
    first, *others = of_type(talking.heard, "stop_recording")
    assert first["acknowledged"]
    assert others
    assert all(refused(other) for other in others)
    assert talking.close_code == 1000
    assert of_type(talking.heard, "post_final_transcript")


async def test_092_audio_after_the_stop_is_refused(api: Api, plain: Run) -> None:
    """Audio after stop is not transcribed and does not break the session."""
    async with session(api, **ENGLISH) as (made, talking):
        await talking.send(pieces(plain.audio, CHUNK))
        await talking.stop()
        await finish(talking, pieces(plain.audio, SECOND))
    late = acks(talking.heard)[len(pieces(plain.audio, CHUNK)) :]
    assert late
    assert all(refused(ack) for ack in late)
    assert talking.close_code == 1000
    job = await api.done(made.id)
    assert job["result"]["transcription"] == plain.result["transcription"]
    assert await api.recording(made.id) == plain.recording


async def test_093_a_close_by_the_client_is_a_stop(api: Api, plain: Run) -> None:
    """Client close 1000 without stop → same results by callback and GET."""
    async with session(api, **ENGLISH) as (made, talking):
        await talking.send(pieces(plain.audio, CHUNK))
        await talking.socket.close(1000)
    job = await api.done(made.id)
    assert job["result"]["transcription"] == plain.result["transcription"]
    assert await api.recording(made.id) == plain.recording


async def test_094_a_stop_survives_a_reconnect(api: Api, plain: Run) -> None:
    """Socket lost after stop, client reconnects without a stop → the server finishes and closes 1000."""  # noqa: E501
    async with session(api, **ENGLISH) as (made, talking):
        await talking.send(pieces(plain.audio, CHUNK))
        await talking.stop()
        await talking.next("stop_recording")
        talking.drop()
    async with line(made.url) as again:
        async with asyncio.timeout(PATIENCE):
            await again.rest()
        assert again.close_code == 1000
    assert of_type(again.heard, "post_final_transcript")
    assert (await api.done(made.id))["result"]["transcription"] == plain.result["transcription"]


async def test_095_a_stop_without_a_listener_is_done(api: Api, plain: Run) -> None:
    """Socket lost after stop, client never returns → the job still reaches `done`."""
    async with session(api, **ENGLISH) as (made, talking):
        await talking.send(pieces(plain.audio, CHUNK))
        await talking.stop()
        await talking.next("stop_recording")
        talking.drop()
    assert (await api.done(made.id))["result"]["transcription"] == plain.result["transcription"]


async def test_096_a_session_without_a_stop_ends_by_itself(tight: Api) -> None:
    """A session that never gets a stop ends by itself after an idle limit."""
    audio = mono(TIMES)[:SECOND]
    async with session(tight, **ENGLISH) as (connected, talking):
        await talking.send(pieces(audio, CHUNK))
        async with asyncio.timeout(PATIENCE):
            assert of_type(await talking.rest(), "post_final_transcript")
        assert talking.close_code == 1000
        (notice,) = of_type(talking.heard, "error")
        assert notice["data"]["code"] == "session_timeout"
    async with session(tight, **ENGLISH) as (dropped, talking):
        await talking.send(pieces(audio, CHUNK))
        await talking.acknowledged(len(audio))
        talking.drop()
    for made in (connected, dropped):
        assert (await tight.done(made.id))["result"]["metadata"]["audio_duration"] == 1.0


async def test_097_a_session_without_audio_ends_cleanly(api: Api) -> None:
    """Stop with no audio at all → clean end, empty transcript, `post_final_transcript` still sent."""  # noqa: E501
    async with session(api, messages_config=EVERY_MESSAGE) as (made, talking):
        await finish(talking)
    assert talking.close_code == 1000
    (told,) = of_type(talking.heard, "post_final_transcript")
    assert told["data"]["transcription"] == {
        "full_transcript": "",
        "languages": [],
        "utterances": [],
    }
    assert talking.heard[-1]["type"] == "end_session"
    job = await api.done(made.id)
    assert job["result"]["metadata"]["audio_duration"] == 0
    assert (await api.recording(made.id)).startswith(b"RIFF")


async def test_098_a_session_ends_at_its_longest_duration(tight: Api) -> None:
    """At 3 h the session is stopped and post-processed."""
    assert Settings.model_fields["max_duration"].default == THREE_HOURS
    async with session(tight, **ENGLISH) as (made, talking):  # there it is three seconds
        await talking.send(pieces(mono(TIMES) * 2, CHUNK))
        async with asyncio.timeout(PATIENCE):
            await talking.rest()
    assert talking.close_code == 1000
    assert of_type(talking.heard, "post_final_transcript")
    assert "best of times" in text(talking.heard)
    assert any(refused(ack) for ack in acks(talking.heard))
    (notice,) = of_type(talking.heard, "error")
    assert notice["data"]["code"] == "duration_limit"
    duration = (await tight.done(made.id))["result"]["metadata"]["audio_duration"]
    assert 3 <= duration < 4


async def test_099_the_last_close_code_is_1000(plain: Run, paced: Run, api: Api) -> None:
    """The close code after a normal end is exactly 1000."""
    assert (plain.close_code, paced.close_code) == (1000, 1000)
    async with session(api, **ENGLISH) as (_, talking):
        await talking.socket.send(STOP)
        await talking.rest()
        assert talking.close_code == 1000
        assert not finals(talking.heard)
