"""Random frames in random cuts: the endpoint against the library's own server."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from websocket_world import Client, Told, frame, run, settled

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


Outcome = tuple[list[str | bytes], list[bytes], bytes | None]
"""Messages, payloads of pongs, and the code of the close frame."""


def oracle(stream: bytes) -> Outcome:
    """The library's server, given the stream byte by byte, so that a failure stops it in time.

    The library leaves it to its callers to join fragments and to read UTF-8, as its own asyncio
    server does; and it reads no further than a close that it has sent.
    """
    server = ServerProtocol(state=State.OPEN, max_size=SMALL)
    messages: list[str | bytes] = []
    pongs: list[bytes] = []
    parts: list[Frame] = []
    close = None
    for at in range(len(stream)):
        server.receive_data(stream[at : at + 1])
        for event in server.events_received():
            if isinstance(event, Frame) and event.opcode in DATA:
                parts.append(event)
                if event.fin:
                    finish(server, parts, messages)
                    parts = []
        for written in server.data_to_send():
            if written[:1] == b"\x8a":
                pongs.append(written[2:])
            elif written[:1] == b"\x88":
                close = written[2:4]
        if server.close_expected():
            break
    return messages, pongs, close


def finish(server: ServerProtocol, parts: list[Frame], messages: list[str | bytes]) -> None:
    """Join the fragments of a message."""
    message = b"".join(bytes(part.data) for part in parts)
    if parts[0].opcode is Opcode.BINARY:
        messages.append(message)
        return
    try:
        messages.append(message.decode())
    except UnicodeDecodeError as error:
        server.fail(1007, f"{error.reason} at position {error.start}")


def ours(pieces: list[bytes], *, take: bool) -> Outcome:
    """The endpoint, given the stream in pieces."""

    async def story() -> Outcome:
        told = Told(take=take)
        client = Client(told)
        client.protocol._reader.max_size = SMALL  # noqa: SLF001  the oracle's
        await client.open()
        for piece in pieces:
            client.send(piece)
            await settled(3)
        await settled(200)
        closes = client.of(Opcode.CLOSE)
        return told.messages, client.of(Opcode.PONG), closes[0][:2] if closes else None

    return run(story())


@settings(max_examples=100, deadline=None)
@given(streams, st.lists(st.integers(0, 3000), max_size=12), st.booleans())
def test_messages_pongs_and_closes_are_those_of_the_library(
    stream: bytes,
    cuts: list[int],
    take: bool,  # noqa: FBT001  hypothesis gives it
) -> None:
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[begin:end] for begin, end in pairwise(edges)]
    assert ours(pieces, take=take) == oracle(stream)


@settings(max_examples=25, deadline=None)
@given(streams.filter(lambda stream: len(stream) < 1000))
def test_every_cut_is_the_same(stream: bytes) -> None:
    assert ours([stream[at : at + 1] for at in range(len(stream))], take=True) == oracle(stream)
