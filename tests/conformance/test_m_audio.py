"""M. What real clients send: base64 and WAV headers as programs in the field write them."""

import asyncio
import base64
import json
import time
from collections.abc import Callable

import pytest

from conformance.support import ENGLISH, Run, finish, mono
from integration.speech import TIMES, pieces
from integration.wire import Api, acks, line, session
from vivavoce.audio.format import AudioFormat
from wav_files import header

TINY = 84
TINY_PER_SECOND = 375
MOST_LATE = 2.0
"""Seconds from the last message to its acknowledgement: a queue that grew would take longer."""

PROOF_SECONDS = 3.5
"""In which a client's library answers the pings that prove what it has read, two a second apart."""

STYLES: dict[str, Callable[[bytes], str]] = {
    "lines of 76": lambda audio: base64.encodebytes(audio).decode(),
    "a trailing newline": lambda audio: base64.b64encode(audio).decode() + "\n",
    "the URL-safe alphabet": lambda audio: base64.urlsafe_b64encode(audio).decode(),
    "no padding": lambda audio: base64.b64encode(audio).decode().rstrip("="),
}


@pytest.mark.parametrize("size", [3_200, 64_000])
@pytest.mark.parametrize("style", STYLES)
async def test_153_base64_of_every_style_is_accepted(
    api: Api, plain: Run, style: str, size: int
) -> None:
    """Base64 with line breaks, a trailing newline, the URL-safe alphabet or no padding is accepted."""  # noqa: E501
    async with session(api, **ENGLISH) as (made, talking):
        for piece in pieces(plain.audio, size):
            data = {"chunk": STYLES[style](piece)}
            await talking.socket.send(json.dumps({"type": "audio_chunk", "data": data}))
        await finish(talking)
    assert all(ack["acknowledged"] for ack in acks(talking.heard))
    await api.done(made.id)
    assert (await api.recording(made.id)).endswith(plain.audio)


@pytest.mark.parametrize("size", [0x80000024, 0xFFFFFFFF])
async def test_154_a_streaming_wav_header_is_accepted(api: Api, plain: Run, size: int) -> None:
    """A WAV header with streaming sizes, 0x80000024 or 0xFFFFFFFF, is accepted."""
    head = bytearray(header(AudioFormat(), data_size=min(size, 0xFFFFFFFF)))
    head[4:8] = size.to_bytes(4, "little")
    async with session(api, **ENGLISH) as (made, talking):
        await finish(talking, pieces(bytes(head) + mono(TIMES), 3_200))
    assert all(ack["acknowledged"] for ack in acks(talking.heard))
    assert not [message for message in talking.heard if message["type"] == "error"]
    assert (await api.done(made.id))["result"]["transcription"] == plain.result["transcription"]


async def test_155_tiny_messages_are_taken_at_their_pace(api: Api, plain: Run) -> None:
    """Binary messages of 84 bytes, 375 a second as AudioWorklet clients send them, are acknowledged without being slowed down."""  # noqa: E501
    tiny = pieces(plain.audio, TINY)
    async with session(api, **ENGLISH) as (made, talking):
        reading = asyncio.create_task(talking.acknowledged(len(plain.audio)))
        begin = time.monotonic()
        for index, piece in enumerate(tiny):
            await asyncio.sleep(max(0.0, begin + index / TINY_PER_SECOND - time.monotonic()))
            await talking.send([piece])
        late = time.monotonic()
        await reading
        late = time.monotonic() - late
        await finish(talking)
    assert late < MOST_LATE
    ends = [ack["data"]["byte_range"][1] for ack in acks(talking.heard)]
    assert ends == sorted(ends)
    assert ends[-1] == len(plain.audio)
    assert await api.recording(made.id) == plain.recording


async def test_156_a_recording_that_is_played_again_is_new_audio(api: Api) -> None:
    """A second connection that plays the same recording again, after every acknowledgement was read and a later ping answered, adds new audio."""  # noqa: E501
    audio = mono(TIMES)
    made = await api.create(**ENGLISH)
    async with line(made.url) as first:
        await first.send(pieces(audio, 3_200))
        await first.acknowledged(len(audio))
        await asyncio.sleep(PROOF_SECONDS)
        first.drop()
    async with line(made.url, first.history) as second:
        await finish(second, pieces(audio, 3_200))
    await api.done(made.id)
    assert (await api.recording(made.id)).endswith(audio + audio)
    ends = [ack["data"]["byte_range"][1] for ack in acks(second.heard)]
    assert ends[0] == len(audio) + 3_200
    assert ends[-1] == 2 * len(audio)
