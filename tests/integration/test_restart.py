"""A server that is stopped or killed under a live session, and started again."""

import pytest

from history import History
from integration.server_process import ServerProcess
from integration.speech import BEGINNING, spoken
from integration.wire import Api, Json, acks, finals, line, of_type, proved, spoken_through

RESTART, LOST = 1012, 1006


@pytest.mark.parametrize(("ends", "code"), [("terminate", RESTART), ("kill", LOST)])
async def test_a_session_outlives_the_server(own: ServerProcess, ends: str, code: int) -> None:
    speech = spoken(BEGINNING)
    api = Api(own.url)
    _, undisturbed = await spoken_through(api, speech.pieces())
    made = await api.create(messages_config={"receive_lifecycle_events": True})
    heard: list[Json] = []
    history = History()
    for begin, end in ((0, 150_001), (150_001, 300_000)):
        async with line(made.url, history) as talking:
            await talking.send([speech.audio[begin:end]])
            await talking.acknowledged(end)
            assert getattr(own, ends)() == (0 if ends == "terminate" else -9)
            await talking.rest()
        heard += talking.heard
        assert talking.close_code == code
        own.start()
    async with line(made.url, history) as talking:
        await talking.send([speech.audio[300_000:]])
        await talking.stop()
        await talking.rest()
    heard += talking.heard
    assert talking.close_code == 1000
    assert talking.heard[-1]["type"] == "end_session"
    assert [a["data"]["byte_range"] for a in acks(heard)] == [
        [0, 150_001],
        [150_001, 300_000],
        [300_000, len(speech.audio)],
    ]
    # What the client was not known to have comes again, the same; the history tells it once.
    assert history.finals == finals(undisturbed.heard)
    assert len({m["created_at"] for m in of_type(heard, "start_recording")}) == 1
    await proved(api, made, history, finals(undisturbed.heard))


@pytest.mark.parametrize("ends", ["terminate", "kill"])
async def test_a_stopped_session_is_finished_after_a_restart_though_nobody_comes(
    own: ServerProcess, ends: str
) -> None:
    speech = spoken(BEGINNING)
    api = Api(own.url)
    made = await api.create()
    async with line(made.url) as talking:
        await talking.send(speech.pieces())
        await talking.stop()
        await talking.next("stop_recording")
        getattr(own, ends)()
    own.start()
    job = await api.done(made.id)
    _, undisturbed = await spoken_through(api, speech.pieces())
    assert job["result"]["transcription"]["utterances"] == [
        data["utterance"] for data in finals(undisturbed.heard)
    ]
    assert (await api.recording(made.id)).endswith(speech.audio)


async def test_finished_sessions_and_their_recordings_are_there_after_a_restart(
    own: ServerProcess,
) -> None:
    api = Api(own.url)
    made, _ = await spoken_through(api, spoken(BEGINNING).pieces())
    before, recording = await api.job(made.id), await api.recording(made.id)
    assert own.terminate() == 0
    own.start()
    assert await api.job(made.id) == before
    assert await api.recording(made.id) == recording
