"""Frames of the light client, against the websockets library's own reading of them."""

import pytest
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from vivavoce.load.light_socket import BINARY, CLOSE, TEXT, frame, unframed

SIZES = [0, 1, 125, 126, 3200, 65_535, 65_536]


def read(data: bytes, *, mask: bool) -> Frame:
    """One frame as the library reads it."""
    reader = StreamReader()
    reader.feed_data(data)
    parsing = Frame.parse(reader.read_exact, mask=mask)
    with pytest.raises(StopIteration) as done:
        next(parsing)
    assert not reader.buffer
    found = done.value.value
    assert isinstance(found, Frame)
    return found


@pytest.mark.parametrize("size", SIZES)
def test_a_server_reads_what_was_framed(size: int) -> None:
    payload = bytes(at % 251 for at in range(size))
    found = read(frame(BINARY, payload), mask=True)
    assert (found.opcode, bytes(found.data), found.fin) == (Opcode.BINARY, payload, True)


@pytest.mark.parametrize("size", SIZES)
def test_frames_of_a_server_are_read_however_they_are_cut(size: int) -> None:
    payload = b"x" * size
    sent = b"".join(
        Frame(opcode, data).serialize(mask=False)
        for opcode, data in ((Opcode.TEXT, payload), (Opcode.CLOSE, b"\x03\xe8"))
    )
    cut = len(sent) // 2
    first, left = unframed(sent[:cut])
    second, rest = unframed(left + sent[cut:])
    assert first + second == [(TEXT, payload), (CLOSE, b"\x03\xe8")]
    assert rest == b""
