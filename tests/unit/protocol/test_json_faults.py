"""What is said of texts that are no JSON."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.protocol.json_faults import MOST_EXAMINED, json_fault, lone_surrogate
from vivavoce.protocol.messages import BadMessageError, parse_client_message
from vivavoce.protocol.request import parse_init
from vivavoce.protocol.validation import MalformedJsonError
from vivavoce.server.routes import check_notes

HALF = rb'{"custom_metadata": {"note": "half \ud83d an emoji"}}'
NAMED = r"\\ud83d is half of a surrogate pair"


def test_half_an_emoji_is_named_as_what_it_is() -> None:
    """It used to be "Input data was truncated"."""
    with pytest.raises(MalformedJsonError, match=NAMED):
        parse_init(HALF)
    with pytest.raises(MalformedJsonError, match=NAMED):
        check_notes(HALF)
    with pytest.raises(BadMessageError, match=NAMED):
        parse_client_message(HALF.decode())


@pytest.mark.parametrize(
    ("text", "half"),
    [
        (rb"\ud83d\ude00", None),
        (rb"\ud83d\ude00\ud83d", r"\ud83d"),
        (rb"\ude00", r"\ude00"),
        (rb"\ud83d\n\ude00", r"\ud83d"),
        (rb"\ud83d \ude00", r"\ud83d"),
        (rb"\\ud83d", None),
        (rb"\\\ud83d", r"\ud83d"),
        (rb"\u0041\u00e9", None),
    ],
)
def test_only_halves_are_found(text: bytes, half: str | None) -> None:
    assert lone_surrogate(text) == half


def test_a_pair_at_the_edge_of_what_is_examined_is_no_half() -> None:
    text = b" " * (MOST_EXAMINED - 6) + rb"\ud83d\ude00"
    assert lone_surrogate(text[:MOST_EXAMINED]) is None


def test_a_byte_that_is_not_utf_8_is_named_with_its_place() -> None:
    with pytest.raises(MalformedJsonError, match="byte 0xff at position 12 is not UTF-8"):
        parse_init(b'{"model":"ab\xff"}')


@given(st.text())
def test_what_can_be_decoded_has_no_half(text: str) -> None:
    written = json.dumps(text.encode(errors="replace").decode()).encode()
    msgspec.json.decode(written)
    assert lone_surrogate(written) is None


@given(st.binary())
def test_something_is_said_of_every_text(data: bytes) -> None:
    fault: Exception = ValueError("the decoder's own words")
    try:
        msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        fault = error
    assert json_fault(data, fault)
