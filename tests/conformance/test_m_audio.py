"""M. What real clients send: base64 and WAV headers as programs in the field write them."""

import base64
import json
from collections.abc import Callable

import pytest

from conformance.support import ENGLISH, Run, finish, mono
from integration.speech import TIMES, pieces
from integration.wire import Api, acks, session
from vivavoce.audio.format import AudioFormat
from wav_files import header

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
    """A WAV header with the sizes of a stream, 0x80000024 or 0xFFFFFFFF, is accepted."""
    head = bytearray(header(AudioFormat(), data_size=min(size, 0xFFFFFFFF)))
    head[4:8] = size.to_bytes(4, "little")
    async with session(api, **ENGLISH) as (made, talking):
        await finish(talking, pieces(bytes(head) + mono(TIMES), 3_200))
    assert all(ack["acknowledged"] for ack in acks(talking.heard))
    assert not [message for message in talking.heard if message["type"] == "error"]
    assert (await api.done(made.id))["result"]["transcription"] == plain.result["transcription"]
