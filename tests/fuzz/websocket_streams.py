"""Random WebSocket streams in random pieces, with the websockets library as the oracle."""

import asyncio

from fuzz.bytes_and_texts import Dice, cut, damaged
from websocket_suite.cases import INVALID
from websocket_suite.memory import Application, connection
from websocket_suite.oracle import completed, library_outcome
from websocket_suite.outcome import Outcome
from websocket_suite.raw_frames import (
    BINARY,
    CLOSE,
    CONT,
    MASK,
    PING,
    PONG,
    TEXT,
    frame,
    handshake,
)

HANDSHAKE = handshake()
PROTOCOL_ERROR = 1002
SIZES = (50, 300, 32 * 1024 * 1024)
TEXTS = (b"", b"x", "é😀".encode(), b"a" * 130, *INVALID.values())


def payload(dice: Dice, opcode: int) -> bytes:
    """What a frame carries."""
    if opcode == CLOSE:
        code = dice.choice((1000, 1001, 1005, 1011, 2999, 3000, 4999, 5000, dice.randrange(65536)))
        reason = dice.choice((b"", b"bye", b"\xff", b"r" * 123, b"r" * 124))
        return dice.choice((b"", b"\x03", code.to_bytes(2, "big") + reason))
    if opcode in {TEXT, CONT}:
        return dice.choice(TEXTS)
    return dice.randbytes(dice.choice((0, 1, 5, 49, 50, 51, 125, 126, 299, 300, 301)))


def random_frame(dice: Dice) -> bytes:
    """A frame, in most cases as a client may send it."""
    opcode = dice.choice((TEXT, BINARY, BINARY, BINARY, CONT, CONT, PING, PONG, TEXT, BINARY))
    if dice.random() < 0.06:
        opcode = dice.randrange(16)
    sent = payload(dice, opcode)
    odd = dice.random()
    return frame(
        opcode,
        sent,
        fin=dice.random() < (0.6 if opcode in {TEXT, BINARY, CONT} else 0.97),
        bits=dice.choice((0x40, 0x20, 0x10)) if odd < 0.02 else 0,
        masked=not 0.02 < odd < 0.04,
        width=dice.choice((2, 8)) if 0.04 < odd < 0.1 else None,
        mask=dice.choice((MASK, bytes(4), dice.randbytes(4))),
    )


async def stream(dice: Dice) -> None:
    """One connection: the same messages, pongs, close code and end as the library's."""
    parts = [random_frame(dice) for _ in range(dice.randrange(1, 9))]
    data = b"".join(parts)
    fed: list[bytes] = parts
    if dice.random() < 0.3:
        data = damaged(dice, data)
        fed = [data[at : at + 1] for at in range(len(data))]
    most = dice.choice(SIZES)
    wanted = library_outcome([HANDSHAKE, *fed], most)
    share = dice.choice((0.0, 0.7, 1.0))
    app = Application(dice.choice((0, 0, 0, 3)), lambda: dice.random() < share)
    if share == 0.0:
        app.takes = None
    async with connection(app, most) as one:
        await one.feed(HANDSHAKE)
        if not app.hold:
            await one.settled()
        for piece in cut(dice, data):
            await one.feed(piece)
            if dice.random() < 0.2:
                await asyncio.sleep(0)
        await one.settled()
        found = one.outcome()
    if found != wanted:
        # A frame that is cut off may be refused by its head, before the library sees its fault.
        whole = completed(data)
        by_bytes = [whole[n : n + 1] for n in range(len(data))]
        early = library_outcome([HANDSHAKE, *by_bytes, whole[len(data) :]], most)
        early.messages, early.pongs = wanted.messages, wanted.pongs
        assert early.close == PROTOCOL_ERROR, because(found, wanted, data, most)
        assert found == early, because(found, wanted, data, most)


def because(found: Outcome, wanted: Outcome, data: bytes, most: int) -> str:
    """What is different, and how to see it again."""
    return f"{found}, expected {wanted}, for {data.hex()}, at most {most}"
