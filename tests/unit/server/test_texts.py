"""Long texts say the same as short ones, whoever reads them."""

import base64
import gc
import tracemalloc
from collections.abc import Iterator

import msgspec
import pytest

from vivavoce.protocol.long_messages import LARGE
from vivavoce.protocol.messages import (
    AudioChunk,
    BadMessageError,
    ErrorDetail,
    ErrorMessage,
    Failure,
    StopRecording,
    TooLongError,
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


MIB = 1 << 20
HOSTILE = {
    "nested lists": '{"type":"x","a":[' + "[]," * MIB + "[]]}",
    "keys": '{"type":"x",' + ",".join(f'"{number}":1' for number in range(200_000)) + "}",
    "escaped keys": '{"type":"x",' + '"\\u0061":1,' * 200_000 + '"b":1}',
    "a long type": '{"type":"' + "x" * 3 * MIB + '"}',
    "a long field": '{"type":"audio_chunk","a":[' + "1," * MIB + '1],"data":{"chunk":"AAAA"}}',
    "a list instead of audio": '{"type":"audio_chunk","data":{"chunk":[' + "[]," * MIB + "[]]}}",
    "quotes": '"' * 3 * MIB,
    "backslashes": '{"type":"audio_chunk","data":{"chunk":"' + "\\" * 3 * MIB + '"}}',
    "no JSON": "?" * 3 * MIB,
    "deep lists": "[" * 3 * MIB,
    "no base64": '{"type":"audio_chunk","data":{"chunk":"' + "AAA=" * MIB + '"}}',
    "no base64 at its end": '{"type":"audio_chunk","data":{"chunk":"' + "AAAA" * MIB + '?"}}',
    "text that is no ASCII": '{"type":"audio_chunk","data":{"chunk":"' + "€" * MIB + '"}}',
}  # fmt: skip


@pytest.fixture
def traced() -> Iterator[None]:
    """Memory is measured, and not collected as garbage by chance."""
    gc.collect()
    gc.disable()
    tracemalloc.start()
    yield
    tracemalloc.stop()
    gc.enable()


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("shape", HOSTILE)
async def test_a_long_text_that_is_refused_takes_little_memory_and_keeps_none(shape: str) -> None:
    text = HOSTILE[shape].encode()
    before, _ = tracemalloc.get_traced_memory()
    read = await parsed(text)
    _, peak = tracemalloc.get_traced_memory()
    with pytest.raises(BadMessageError):
        read()
    del read
    after, _ = tracemalloc.get_traced_memory()
    assert peak - before <= 2 * len(text)
    assert after - before < MIB


async def test_only_audio_may_be_long_and_the_refusal_names_the_bound() -> None:
    text = '{"type":"stop_recording","why":"' + "x" * LARGE + '"}'
    with pytest.raises(TooLongError, match="more than 65536 bytes must be an audio_chunk"):
        (await parsed(text))()
    assert isinstance((await parsed(text.replace("x", "", LARGE)))(), StopRecording)


async def test_audio_with_escaped_slashes_is_read_whatever_its_length() -> None:
    audio = bytes([255]) * 3 * LARGE
    chunk = base64.b64encode(audio).decode().replace("/", "\\/")
    message = (await parsed('{"type":"audio_chunk","data":{"chunk":"' + chunk + '"}}'))()
    assert isinstance(message, AudioChunk)
    assert message.data.chunk == audio
