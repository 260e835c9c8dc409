"""What the server says of each chunk and of the stop, and what a session is at its end."""

from itertools import pairwise

import pytest

from integration.speech import BEST, TIMES, pieces, spoken, word_error_rate
from integration.wire import Api, acks, finals, of_type, session, spoken_through, text


async def test_every_chunk_is_acknowledged_once_in_order_and_without_a_gap(api: Api) -> None:
    speech = spoken(BEST)
    sizes = [1, 3200, 2, 999, 0, 20_000, 1]
    cuts = [sum(sizes[:at]) for at in range(len(sizes) + 1)] + [len(speech.audio)]
    chunks = [speech.audio[a:b] for a, b in pairwise(cuts)]
    made, line = await spoken_through(api, chunks)
    assert [ack["data"]["byte_range"] for ack in acks(line.heard)] == [
        [a, b] for a, b in pairwise(cuts)
    ]
    for ack in acks(line.heard):
        assert (ack["acknowledged"], ack["error"]) == (True, None)
        assert ack["session_id"] == made.id
        assert ack["data"]["time_range"] == [
            pytest.approx(speech.format.seconds(at), abs=1e-3) for at in ack["data"]["byte_range"]
        ]


async def test_the_first_tenth_of_a_second_is_acknowledged_as_the_contract_shows(api: Api) -> None:
    async with session(api) as (_, line):
        await line.send([bytes(3200)])
        ack = await line.next("audio_chunk")
    assert ack["data"] == {"byte_range": [0, 3200], "time_range": [0, 0.1]}


@pytest.mark.parametrize("as_text", [False, True])
async def test_an_empty_chunk_is_acknowledged_with_an_empty_range(
    api: Api, *, as_text: bool
) -> None:
    async with session(api) as (made, line):
        send = line.send_text if as_text else lambda chunk: line.send([chunk])
        for chunk in (b"", bytes(3200), b""):
            await send(chunk)
        found = [(await line.next("audio_chunk"))["data"] for _ in range(3)]
        assert (await api.job(made.id))["status"] in {"queued", "processing"}
    assert [data["byte_range"] for data in found] == [[0, 0], [0, 3200], [3200, 3200]]
    assert [data["time_range"] for data in found] == [[0, 0], [0, 0.1], [0.1, 0.1]]


async def test_nothing_is_acknowledged_when_acknowledgements_are_off(api: Api) -> None:
    speech = spoken(BEST)
    _, line = await spoken_through(
        api, speech.pieces(), messages_config={"receive_acknowledgments": False}
    )
    assert of_type(line.heard, "audio_chunk", "stop_recording") == []
    assert word_error_rate(speech.words, text(line.heard)) == 0


async def test_the_stop_is_answered_with_what_was_recorded_and_what_is_left(api: Api) -> None:
    speech = spoken(TIMES)
    _, line = await spoken_through(api, speech.pieces())
    (stopped,) = of_type(line.heard, "stop_recording")
    assert (stopped["acknowledged"], stopped["error"]) == (True, None)
    durations = stopped["data"]
    assert durations["recording_duration"] == pytest.approx(speech.seconds, abs=1e-3)
    assert 0 <= durations["recording_left_to_process"] <= durations["recording_duration"]
    assert line.heard.index(stopped) > line.heard.index(acks(line.heard)[-1])


async def test_after_a_stop_another_stop_and_more_audio_are_refused(api: Api) -> None:
    speech, more = spoken(BEST), spoken(TIMES)
    async with session(api) as (made, line):
        await line.send(speech.pieces())
        await line.stop()
        await line.send(more.pieces())
        await line.stop()
        heard = await line.rest()
    first, second = of_type(heard, "stop_recording")
    assert (first["acknowledged"], second["acknowledged"]) == (True, False)
    assert second["error"]["message"]
    assert second["data"] is None
    count = len(speech.pieces())
    assert all(ack["acknowledged"] for ack in acks(heard)[:count])
    refused = acks(heard)[count:]
    assert len(refused) == len(more.pieces())
    assert not any(ack["acknowledged"] or ack["data"] for ack in refused)
    assert line.close_code == 1000
    assert word_error_rate(speech.words, text(heard)) == 0
    assert (await api.recording(made.id)).endswith(speech.audio)


@pytest.mark.parametrize("chunks", [[], [b""], [b"\1"]], ids=["nothing", "empty", "half a sample"])
async def test_a_stop_without_audio_ends_in_order(api: Api, chunks: list[bytes]) -> None:
    lifecycle = {"receive_lifecycle_events": True}
    made, line = await spoken_through(api, chunks, messages_config=lifecycle)
    assert line.close_code == 1000
    (last,) = of_type(line.heard, "post_final_transcript")
    assert last["data"]["transcription"]["full_transcript"] == ""
    assert last["data"]["transcription"]["utterances"] == []
    assert last["data"]["metadata"]["audio_duration"] == 0
    assert line.heard[-1]["type"] == "end_session"
    started = of_type(line.heard, "start_recording")
    assert len(started) == (1 if any(chunks) else 0)
    job = await api.done(made.id)
    assert job["result"]["transcription"]["full_transcript"] == ""
    assert (await api.recording(made.id)).startswith(b"RIFF")


async def test_silence_and_noise_are_not_transcribed(api: Api) -> None:
    _, line = await spoken_through(api, pieces(bytes(16_000 * 2 * 3), 3200))
    assert finals(line.heard) == []
    assert of_type(line.heard, "speech_start", "speech_end") == []


async def test_a_client_that_leaves_with_1000_has_stopped(api: Api) -> None:
    speech = spoken(BEST)
    async with session(api) as (made, line):
        await line.send(speech.pieces())
        await line.socket.close(1000)
    job = await api.done(made.id)
    assert word_error_rate(speech.words, job["result"]["transcription"]["full_transcript"]) == 0
    assert (await api.recording(made.id)).endswith(speech.audio)


async def test_a_line_lost_after_the_stop_does_not_hold_the_session_up(api: Api) -> None:
    speech = spoken(TIMES)
    async with session(api) as (made, line):
        await line.send(speech.pieces())
        await line.stop()
        await line.next("stop_recording")
        line.drop()
    job = await api.done(made.id)
    assert word_error_rate(speech.words, job["result"]["transcription"]["full_transcript"]) == 0
