import pytest

from vivavoce.load.light_socket import BINARY, PING, TEXT, frame, unframed
from vivavoce.server.framing import Frames, binary_message, text_frame

MANY = [frame(BINARY, b"x" * size) for size in (0, 1, 125, 126, 127, 65535, 65536, 70000)]


@pytest.mark.parametrize("step", [1, 7, 4096, 10**6])
def test_frames_come_out_whole_however_their_bytes_are_split(step: int) -> None:
    whole = b"".join(MANY)
    frames = Frames(10**6)
    found = [
        each for at in range(0, len(whole), step) for each in frames.feed(whole[at : at + step])
    ]
    assert found == MANY
    assert frames.whole


def test_a_whole_binary_message_is_unmasked() -> None:
    audio = bytes(range(256)) * 300
    for size in (0, 1, 125, 126, 65535, 65536):
        assert binary_message(frame(BINARY, audio[:size])) == audio[:size]


@pytest.mark.parametrize(
    "other",
    [
        frame(TEXT, b"{}"),
        frame(PING, b""),
        bytes((0x02,)) + frame(BINARY, b"begins")[1:],  # a fragment
        bytes((0xC2,)) + frame(BINARY, b"packed")[1:],  # with an extension's bit
        b"\x82\x03abc",  # not masked
        frame(BINARY, b"abc")[:-1],
        frame(BINARY, b"abc") + b"d",
        b"\x82",
        b"",
    ],
)
def test_all_else_is_no_whole_binary_message(other: bytes) -> None:
    assert binary_message(other) is None


def test_a_frame_that_is_too_long_is_handed_out_at_once_and_all_after_it() -> None:
    frames = Frames(100)
    head = frame(BINARY, bytes(101))[:20]
    assert list(frames.feed(head)) == [head]
    assert list(frames.feed(b"more")) == [b"more"]
    assert frames.hopeless


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_a_text_is_framed_as_a_client_reads_it(size: int) -> None:
    assert unframed(text_frame(b"t" * size)) == ([(TEXT, b"t" * size)], b"")
