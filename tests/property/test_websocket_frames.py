"""Random frames in random cuts: the endpoint against the library's own server."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

import websocket_world
from virtual_time import run
from websocket_world import Client, Told, frame, settled

SMALL = 2000
DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)

texts = st.one_of(st.text(max_size=50).map(str.encode), st.binary(max_size=20))
payloads = st.one_of(texts, st.integers(100, 300).map(bytes), st.integers(1000, 2100).map(bytes))
closes = st.one_of(
    st.sampled_from([b"", b"\x03\xe8", b"\x03", b"\x0f\xa0bye", b"\x03\xed", b"\x03\xe8\xff"]),
    st.binary(max_size=10),
)
valid = st.one_of(
    st.builds(frame, st.sampled_from([Opcode.TEXT, Opcode.BINARY]), payloads),
    st.builds(frame, st.sampled_from([Opcode.PING, Opcode.PONG]), st.binary(max_size=125)),
    st.builds(
        lambda kind, first, middle, ping, last: (
            frame(kind, first, fin=False)
            + frame(Opcode.CONT, middle, fin=False)
            + ping
            + frame(Opcode.CONT, last)
        ),
        st.sampled_from([Opcode.TEXT, Opcode.BINARY]),
        texts,
        payloads,
        st.sampled_from([b"", frame(Opcode.PING, b"between")]),
        texts,
    ),
)
odd = st.one_of(
    st.builds(frame, st.just(Opcode.CLOSE), closes),
    st.builds(
        frame,
        st.integers(0, 15),
        payloads,
        fin=st.booleans(),
        reserved=st.sampled_from([0, 0, 0, 1, 2, 4]),
        masked=st.sampled_from([True, True, True, False]),
    ),
)
streams = st.builds(
    lambda begin, end, more: b"".join([*begin, *end, *more]),
    st.lists(valid, max_size=6),
    st.lists(odd, max_size=2),
    st.lists(valid, max_size=2),
)


def oracle(stream: bytes) -> tuple[list[str | bytes], list[bytes], bytes | None]:
    """Messages, pongs and the close of the library's server, given the stream in one piece.

    The library leaves it to its callers to join fragments and to read UTF-8, as its own asyncio
    server does; and it reads no further than a close that it has sent.
    """
    server = ServerProtocol(state=State.OPEN, max_size=SMALL)
    messages: list[str | bytes] = []
    parts: list[bytes] = []
    kind, pongs, close = Opcode.TEXT, [], None
    for at in range(len(stream)):  # so that a failure of ours stops it in time
        server.receive_data(stream[at : at + 1])
        for event in server.events_received():
            if not isinstance(event, Frame) or event.opcode not in DATA:
                continue
            if event.opcode is not Opcode.CONT:
                kind, parts = event.opcode, []
            parts.append(bytes(event.data))
            if not event.fin:
                continue
            message = b"".join(parts)
            if kind is Opcode.BINARY:
                messages.append(message)
                continue
            try:
                messages.append(message.decode())
            except UnicodeDecodeError as error:
                server.fail(1007, f"{error.reason} at position {error.start}")
        for written in server.data_to_send():
            if written[:1] == b"\x8a":
                pongs.append(written[2:])
            elif written[:1] == b"\x88":
                close = written[2:4]
        if server.close_expected():
            break
    return messages, pongs, close


def ours(pieces: list[bytes], *, take: bool) -> tuple[list[str | bytes], list[bytes], bytes | None]:
    """The same of the endpoint, given the stream in pieces."""

    async def story() -> Any:
        told = Told(take=take)
        client = Client(told)
        client.protocol._reader.max_size = SMALL  # noqa: SLF001  the oracle's
        await client.open()
        arrived: list[str | bytes] = []
        if take:
            told.peer.listen(lambda audio: arrived.append(audio) or True)  # type: ignore[func-returns-value]
        for piece in pieces:
            client.send(piece)
            await settled(3)
            arrived += told.messages
            told.events.clear()
        await settled(200)
        arrived += told.messages
        closes = client.of(Opcode.CLOSE)
        return arrived, client.of(Opcode.PONG), closes[0][:2] if closes else None

    return run(story())  # type: ignore[no-any-return]


@settings(max_examples=100, deadline=None)
@given(streams, st.lists(st.integers(0, 3000), max_size=12), st.booleans())
def test_messages_pongs_and_closes_are_those_of_the_library(
    stream: bytes, cuts: list[int], take: bool  # noqa: FBT001  hypothesis gives it
) -> None:
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    assert ours(pieces, take=take) == oracle(stream)


@settings(max_examples=25, deadline=None)
@given(streams)
def test_every_cut_is_the_same(stream: bytes) -> None:
    stream = stream[:400]
    assert ours([stream[at : at + 1] for at in range(len(stream))], take=True) == oracle(stream)


assert websocket_world.MOST > SMALL
