import os

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State

from vivavoce.server.websocket.frames import (
    binary_message,
    client_close_frame,
    pong_frame,
    text_frame,
)
from vivavoce.server.websocket.masking import apply_mask, portable_mask
from vivavoce.server.websocket.message_reader import MessageReader
from websocket_world import URI, frame

BINARY, TEXT, PING, CONT = Opcode.BINARY, Opcode.TEXT, Opcode.PING, Opcode.CONT
SIZES = (0, 1, 125, 126, 127, 65535, 65536, 70000)


@pytest.mark.parametrize("step", [1, 7, 4096, 10**6])
def test_messages_come_out_whole_however_their_bytes_are_split(step: int) -> None:
    payloads = [os.urandom(size) for size in SIZES]
    whole = b"".join(frame(BINARY, each) for each in payloads)
    reader = MessageReader(10**6)
    found = []
    for at in range(0, len(whole), step):
        reader.feed(whole[at : at + step])
        while each := reader.next():
            found.append(each)
    assert [bytes(each.payload) for each in found] == payloads
    assert reader.idle
    assert reader.messages == len(payloads)
    assert reader.held == 0


def test_a_whole_binary_message_is_unmasked() -> None:
    audio = bytes(range(256)) * 300
    for size in SIZES:
        assert binary_message(frame(BINARY, audio[:size]), 10**6) == audio[:size]


@pytest.mark.parametrize(
    "other",
    [
        frame(TEXT, b"{}"),
        frame(PING),
        frame(BINARY, b"begins", fin=False),
        frame(BINARY, b"packed", reserved=4),
        frame(BINARY, b"abc", masked=False),
        frame(BINARY, b"abc")[:-1],
        frame(BINARY, b"abc") + b"d",
        frame(BINARY, bytes(1001)),
        b"\x82",
        b"",
    ],
)
def test_all_else_is_no_whole_binary_message(other: bytes) -> None:
    assert binary_message(other, 1000) is None


def test_a_message_that_is_incomplete_holds_what_has_arrived_and_no_more() -> None:
    reader = MessageReader(1 << 25)
    reader.feed(frame(BINARY, size=1 << 25))
    assert reader.next() is None
    assert reader.held == 0
    for _ in range(10):
        reader.feed(bytes(1000))
        assert reader.next() is None
    assert reader.held == 10_000
    assert not reader.idle
    reader.clear()
    assert reader.held == 0


def test_empty_fragments_hold_nothing() -> None:
    reader = MessageReader(1000)
    reader.feed(frame(TEXT, fin=False) + frame(CONT, fin=False) * 10_000)
    while reader.next():
        pass
    assert reader.held == 0
    assert reader.fragmented


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_a_text_is_framed_as_a_client_reads_it(size: int) -> None:
    assert read(text_frame(b"t" * size)) == [(TEXT, b"t" * size)]


@pytest.mark.parametrize("size", [0, 125])
def test_a_pong_is_framed_as_a_client_reads_it(size: int) -> None:
    assert read(pong_frame(b"p" * size)) == [(Opcode.PONG, b"p" * size)]


def read(data: bytes) -> list[tuple[Opcode, bytes]]:
    """Frames of a server, as the library's client reads them."""
    client = ClientProtocol(URI, state=State.OPEN, max_size=None)
    client.receive_data(data)
    return [(e.opcode, bytes(e.data)) for e in client.events_received() if isinstance(e, Frame)]


def test_a_close_is_framed_as_clients_frame_it() -> None:
    assert client_close_frame(b"\x03\xe8bye")[1] == 0x80 | 5
    reader = MessageReader(10)
    reader.feed(client_close_frame(b"\x03\xe8bye"))
    found = reader.next()
    assert found is not None
    assert (int(found.opcode), found.payload) == (8, b"\x03\xe8bye")


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 1000, 65537])
def test_masking_is_the_same_with_and_without_the_compiled_function(size: int) -> None:
    data, mask = os.urandom(size), os.urandom(4)
    assert apply_mask(data, mask) == portable_mask(data, mask)
    assert apply_mask(memoryview(data), mask) == portable_mask(memoryview(data), mask)
    assert portable_mask(portable_mask(data, mask), mask) == data


def test_the_library_has_its_compiled_function_where_we_look_for_it() -> None:
    """A version that moves it would make every chunk several times as expensive."""
    assert apply_mask is not portable_mask
