"""A wrong declaration on a real server: one notice with what to declare, also after a resume."""

import numpy as np
from websockets.asyncio.client import connect

from integration.speech import BEGINNING, BEST, pieces, spoken
from integration.wire import Api, Json, Line, of_type, session
from vivavoce.audio.format import AudioFormat
from wav_files import header


def notices(messages: list[Json]) -> list[str]:
    """The texts of the notices about the audio."""
    errors = of_type(messages, "error")
    return [e["error"]["message"] for e in errors if e["data"]["code"] == "suspicious_audio"]


def floats() -> bytes:
    """Sixteen seconds of speech as a Web Audio or numpy client has it."""
    samples = np.frombuffer(spoken(BEGINNING).audio, "<i2").astype("<f4") / 32768
    return samples.tobytes()


async def test_floats_in_a_session_of_integers_are_reported_once(api: Api) -> None:
    audio = floats()
    async with session(api) as (made, line):
        await line.send(pieces(audio, 6_400))
        await line.stop()
        heard = await line.rest()
    (text,) = notices(heard)
    assert "32-bit floating-point" in text
    assert "bit_depth 16" in text
    assert (await api.recording(made.id)).endswith(audio)


async def test_a_resume_does_not_repeat_the_notice(api: Api) -> None:
    audio = floats()
    half = len(audio) // 2
    async with session(api) as (made, line):
        await line.send(pieces(audio[:half], 6_400))
        await line.acknowledged(half)
        while not notices(line.heard):
            await line.next("error")
    async with connect(made.url) as socket:
        again = Line(socket, line.history)
        await again.send(pieces(audio[half:], 6_400))
        await again.stop()
        await again.rest()
    assert notices(again.heard) == []


async def test_a_binary_message_is_taken_as_audio_and_reported(api: Api) -> None:
    async with session(api) as (_, line):
        await line.send([*spoken(BEST).pieces(), b'{"type":"stop_recording"}'])
        await line.next("error")
        await line.stop()
        await line.rest()
    (text,) = notices(line.heard)
    assert "stop_recording" in text
    assert line.close_code == 1000


async def test_a_header_before_every_chunk_is_reported(api: Api) -> None:
    head = header(AudioFormat())
    async with session(api) as (_, line):
        await line.send([head + piece for piece in spoken(BEST).pieces()])
        await line.stop()
        heard = await line.rest()
    (text,) = notices(heard)
    assert "WAV header" in text


async def test_speech_as_declared_brings_no_notice(api: Api) -> None:
    async with session(api) as (_, line):
        await line.send(spoken(BEGINNING).pieces())
        await line.stop()
        heard = await line.rest()
    assert notices(heard) == []
