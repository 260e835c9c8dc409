"""Long texts say the same as short ones, whoever reads them."""

import base64

import msgspec
import pytest

from vivavoce.protocol.long_messages import LARGE
from vivavoce.protocol.messages import (
    AudioChunk,
    BadMessageError,
    ErrorDetail,
    ErrorMessage,
    Failure,
    encode,
)
from vivavoce.server.texts import framed, parsed


@pytest.mark.parametrize("size", [10, LARGE])
async def test_audio_in_a_text_is_read_whatever_its_length(size: int) -> None:
    audio = bytes(range(256)) * (size // 256 + 1)
    chunk = {"chunk": base64.b64encode(audio).decode()}
    read = await parsed(msgspec.json.encode({"type": "audio_chunk", "data": chunk}).decode())
    message = read()
    assert isinstance(message, AudioChunk)
    assert message.data.chunk == audio


@pytest.mark.parametrize("size", [10, LARGE])
async def test_nonsense_is_raised_when_it_is_used(size: int) -> None:
    read = await parsed("?" * size)
    with pytest.raises(BadMessageError):
        read()


@pytest.mark.parametrize("size", [10, LARGE])
async def test_a_journaled_message_keeps_its_text(size: int) -> None:
    text = "ä" * size
    message = ErrorMessage(
        session_id="45463597-20b7-4af7-b3b3-f5fb778203ab",
        created_at="2026-11-21T08:00:00.101Z",
        error=Failure(text),
        data=ErrorDetail("internal_error", text),
    )
    assert await framed(encode(message)) == (message, encode(message).decode())
