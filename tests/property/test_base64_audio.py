"""Base64 as clients write it: both readers take what Node's decoder takes, and agree."""

import base64
import json
import textwrap
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.protocol import long_messages
from vivavoce.protocol.base64_audio import forgiving_decode
from vivavoce.protocol.messages import (
    AudioChunk,
    BadChunkError,
    ChunkData,
    ClientMessage,
    parse_client_message,
)

STYLES: dict[str, Callable[[bytes], str]] = {
    "standard": lambda audio: base64.b64encode(audio).decode(),
    "encodebytes": lambda audio: base64.encodebytes(audio).decode(),
    "trailing newline": lambda audio: base64.b64encode(audio).decode() + "\n",
    "Android, lines of 76": lambda audio: "\r\n".join(
        textwrap.wrap(base64.b64encode(audio).decode(), 76)
    ),
    "URL-safe": lambda audio: base64.urlsafe_b64encode(audio).decode(),
    "no padding": lambda audio: base64.b64encode(audio).decode().rstrip("="),
    "URL-safe without padding": lambda audio: base64.urlsafe_b64encode(audio).decode().rstrip("="),
    "all at once": lambda audio: (
        base64.encodebytes(audio).decode().replace("+", "-").replace("/", "_").rstrip("=\n")
    ),
}
READERS = {"short": parse_client_message, "long": long_messages.parsed}
LONG = bytes(range(256)) * 1_600 + b"?"


def with_chunk(chunk: str) -> str:
    return json.dumps({"type": "audio_chunk", "data": {"chunk": chunk}})


def node_decode(text: str) -> bytes:
    """What Node's ``Buffer.from(text, "base64")`` does, by its documentation."""
    digits = text.partition("=")[0].translate({ord("-"): "+", ord("_"): "/"})
    digits = "".join(
        digit for digit in digits if digit.isascii() and (digit.isalnum() or digit in "+/")
    )
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]
    return base64.b64decode(digits + "=" * (-len(digits) % 4))


@pytest.mark.parametrize("style", STYLES)
@given(audio=st.binary(max_size=400))
def test_every_style_gives_the_bytes_in_both_readers(style: str, audio: bytes) -> None:
    text = STYLES[style](audio)
    for read in READERS.values():
        assert read(with_chunk(text)) == AudioChunk(ChunkData(audio))
    assert forgiving_decode((text,)) == audio == node_decode(text)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("reader", READERS)
def test_long_chunks_are_the_same(style: str, reader: str) -> None:
    for audio in (LONG, LONG[:-1], LONG + b"x"):
        text = with_chunk(STYLES[style](audio))
        assert len(text) > long_messages.LARGE
        assert READERS[reader](text) == AudioChunk(ChunkData(audio))


@given(st.text(alphabet=st.sampled_from("AQgw+/-_= \n\r%é"), max_size=24))
def test_the_readers_agree_on_any_text_and_never_contradict_node(text: str) -> None:
    long_enough = "AAAA" * (long_messages.LARGE // 4)
    assert outcome("short", text) == outcome("long", text)
    assert outcome("short", long_enough + text) == outcome("long", long_enough + text)
    if (audio := forgiving_decode((text,))) is not None:
        assert audio == node_decode(text)


def outcome(reader: str, chunk: str) -> ClientMessage | type[Exception]:
    try:
        return READERS[reader](with_chunk(chunk))
    except BadChunkError as error:
        return type(error)


@pytest.mark.parametrize("text", ["%%%", "QUICK", "QQ==QQ==", "QUI====", "é", "Q"])
@pytest.mark.parametrize("reader", READERS)
def test_what_is_not_base64_is_still_refused(reader: str, text: str) -> None:
    with pytest.raises(BadChunkError):
        READERS[reader](with_chunk(text))


@given(
    st.lists(st.text(alphabet=st.sampled_from("AQgw+/-_= \n\r%é"), max_size=9), max_size=5),
)
def test_pieces_are_read_as_the_whole(pieces: list[str]) -> None:
    assert forgiving_decode(pieces) == forgiving_decode(("".join(pieces),))
