"""The cases: streams of bytes at the edges of RFC 6455, each with a name."""

from collections.abc import Iterator
from dataclasses import dataclass

from websocket_suite.handshakes import HANDSHAKES
from websocket_suite.raw_frames import (
    BINARY,
    CLOSE,
    CONT,
    FIN,
    PING,
    PONG,
    RSV1,
    RSV2,
    RSV3,
    TEXT,
    close,
    frame,
    handshake,
    head,
)

MEBIBYTE = 1 << 20
LIMIT = 32 * MEBIBYTE
SMALL = 300
"""A limit of bytes with which every cut can be tried."""


@dataclass(frozen=True, slots=True)
class Case:
    """A connection's bytes.

    Attributes:
        name: what is tried.
        frames: what follows the handshake; each part brings at most one frame to its end.
        handshake: what comes first.
        max_size: bytes of the longest message.
        hold: turns of the event loop in which the application has not accepted yet.
        through_http: whether the bytes go through the HTTP endpoint.
    """

    name: str
    frames: tuple[bytes, ...] = ()
    handshake: bytes = handshake()
    max_size: int = LIMIT
    hold: int = 0
    through_http: bool = False

    @property
    def size(self) -> int:
        """Bytes in all behind the handshake."""
        return sum(map(len, self.frames))

    @property
    def only_handshake(self) -> bool:
        """Whether it is about the answer to the handshake."""
        return self.through_http and not self.frames


def cases() -> list[Case]:
    """Every case."""
    found = [
        *opcodes(),
        *reserved_bits(),
        *masks(),
        *lengths(),
        *limits(),
        *control_frames(),
        *closes(),
        *utf8(),
        *fragments(),
        *sequences(),
        *behind_the_handshake(),
        *(Case(f"handshake {name}", (), data, through_http=True) for name, data in HANDSHAKES),
    ]
    names = [case.name for case in found]
    assert len(set(names)) == len(names), "two cases of one name"
    return found


def opcodes() -> Iterator[Case]:
    """All sixteen, whole and not."""
    for opcode in range(16):
        yield Case(f"opcode {opcode:x}", (frame(opcode),))
        yield Case(f"opcode {opcode:x} not final", (frame(opcode, b"ab", fin=False),))


def reserved_bits() -> Iterator[Case]:
    """Bits that only extensions may set."""
    for bit in (RSV1, RSV2, RSV3, RSV1 | RSV2 | RSV3):
        for opcode in (TEXT, BINARY, CLOSE, PING, PONG):
            yield Case(f"reserved bits {bit:02x} opcode {opcode}", (frame(opcode, bits=bit),))
        parts = frame(TEXT, b"a", fin=False), frame(CONT, b"b", bits=bit)
        yield Case(f"reserved bits {bit:02x} on a continuation", parts)


def masks() -> Iterator[Case]:
    """Frames without a mask, and odd masks."""
    for opcode in (TEXT, BINARY, CLOSE, PING, PONG):
        for payload in (b"", b"ab"):
            sent = frame(opcode, payload, masked=False)
            yield Case(f"unmasked opcode {opcode} of {len(payload)}", (sent,))
    yield Case("unmasked continuation", (frame(TEXT, b"a", fin=False), frame(CONT, masked=False)))
    for mask in (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\1"):
        yield Case(f"mask {mask.hex()}", (frame(TEXT, b"Hello", mask=mask), frame(PING, b"p")))


def lengths() -> Iterator[Case]:
    """Payloads at the edges of the three encodings, and encodings longer than they need be."""
    for size in (0, 1, 125, 126, 127, 128, 65535, 65536, 70000):
        yield Case(f"binary of {size}", (frame(BINARY, bytes(size)),))
        yield Case(f"text of {size}", (frame(TEXT, b"x" * size),))
    for width, sizes in ((2, (0, 1, 125)), (8, (0, 1, 125, 126, 65535))):
        for size in sizes:
            for opcode in (BINARY, TEXT):
                sent = frame(opcode, b"y" * size, width=width)
                yield Case(f"opcode {opcode} of {size} in {width} bytes of length", (sent,))
    for opcode in (PING, PONG, CLOSE):
        yield Case(f"control {opcode} in 2 bytes of length", (frame(opcode, width=2),))
        yield Case(f"control {opcode} in 8 bytes of length", (frame(opcode, width=8),))
    for size in (1 << 63, (1 << 64) - 1, (1 << 63) - 1):
        yield Case(f"binary that says {size:#x}", (head(FIN | BINARY, size), bytes(4)))
        yield Case(f"ping that says {size:#x}", (head(FIN | PING, size), bytes(4)))


def limits() -> Iterator[Case]:
    """Messages at and over the limit, whole and in fragments."""
    for opcode in (TEXT, BINARY):
        yield Case(f"opcode {opcode} of the limit", (frame(opcode, b"z" * LIMIT),))
        yield Case(f"opcode {opcode} over the limit", (head(FIN | opcode, LIMIT + 1),))
        first = frame(opcode, b"z" * 100, fin=False)
        for rest in (SMALL - 100, SMALL - 99):
            parts = first, frame(CONT, b"z" * rest)
            yield Case(
                f"opcode {opcode} in fragments, {100 + rest} of {SMALL}", parts, max_size=SMALL
            )
        whole = frame(opcode, b"z" * SMALL)
        yield Case(f"opcode {opcode} of {SMALL} of {SMALL}", (whole,), max_size=SMALL)
        yield Case(
            f"opcode {opcode} of {SMALL + 1} of {SMALL}",
            (frame(opcode, b"z" * (SMALL + 1)), frame(PING, b"after")),
            max_size=SMALL,
        )
        yield Case(
            f"opcode {opcode} whose fragment says too much",
            (first, head(CONT, SMALL - 99)),
            max_size=SMALL,
        )
        yield Case(
            f"opcode {opcode} twice the limit in two messages",
            (whole, whole),
            max_size=SMALL,
        )
    parts = frame(BINARY, bytes(LIMIT - 1), fin=False), frame(CONT, b"\1", fin=False)
    yield Case("fragments of the limit", (*parts, frame(CONT)))
    yield Case("fragments over the limit", (*parts, frame(CONT, b"\2")))
    yield Case("fragments over the limit by the head", (*parts, head(FIN | CONT, 1)))
    yield Case(
        "ping within fragments at the limit",
        (frame(BINARY, bytes(SMALL), fin=False), frame(PING, b"p"), frame(CONT)),
        max_size=SMALL,
    )


def control_frames() -> Iterator[Case]:
    """Pings, pongs and closes where they may be and where not."""
    for opcode in (PING, PONG, CLOSE):
        name = {PING: "ping", PONG: "pong", CLOSE: "close"}[opcode]
        yield Case(f"{name} in fragments", (frame(opcode, fin=False), frame(CONT)))
        payload = b"\x03\xe8" + b"r" * 123
        yield Case(f"{name} of 125", (frame(opcode, payload),))
        yield Case(f"{name} of 126", (frame(opcode, payload + b"r"),))
        yield Case(f"{name} of 126, head only", (head(FIN | opcode, 126),))
        yield Case(f"{name} of 70000", (frame(opcode, bytes(70000)),))
        begun = frame(TEXT, b"a", fin=False)
        yield Case(f"{name} between fragments", (begun, frame(opcode), frame(CONT, b"b")))
    yield Case("pings in a row", tuple(frame(PING, bytes((n,))) for n in range(20)))
    yield Case("ping of every byte", (frame(PING, bytes(range(125))), frame(PING, b"\xff" * 125)))
    yield Case("pong that nothing asked for", (frame(PONG, b"x"), frame(TEXT, b"a")))
    pings = frame(PING, b"1"), frame(CONT, b"b", fin=False), frame(PING, b"2"), frame(PONG)
    yield Case(
        "controls between fragments",
        (frame(BINARY, b"a", fin=False), *pings, frame(CONT, b"c"), frame(PING, b"3")),
    )


def closes() -> Iterator[Case]:
    """Codes and reasons."""
    yield Case("close without a code", (close(),))
    yield Case("close of one byte", (frame(CLOSE, b"\x03"),))
    codes = (0, 1, 999, *range(1000, 1017), 1100, 1999, 2000, 2999, 3000, 3999, 4000, 4400, 4499)
    for code in (*codes, 4999, 5000, 5001, 65535):
        yield Case(f"close {code}", (close(code),))
    reasons = {
        "ascii": b"bye",
        "utf-8": "café 😀".encode(),
        "longest": b"r" * 123,
        "bad utf-8": b"\xff",
        "half a character": b"a\xf0\x9f\x98",
        "surrogate": b"\xed\xa0\x80",
    }
    for name, reason in reasons.items():
        yield Case(f"close 1000, reason {name}", (close(1000, reason),))
        yield Case(f"close 4000, reason {name}", (close(4000, reason),))


VALID = {
    "kosme": "κόσμε",
    "emoji": "a😀b",
    "nul": "\0",
    "highest": "\U0010ffff",
    "first of each length": "\x7f\x80\u07ff\u0800\uffff\U00010000",
    "before and behind the surrogates": "\ud7ff\ue000",
    "noncharacters": "\ufffe\uffff\ufdd0",
    "byte order mark": "\ufeffx",
}
INVALID = {
    "lone continuation": b"\x80",
    "two bytes cut": b"\xc3",
    "three bytes cut": b"\xe2\x82",
    "four bytes cut": b"\xf0\x9f\x98",
    "first surrogate": b"\xed\xa0\x80",
    "last surrogate": b"\xed\xbf\xbf",
    "pair of surrogates": b"\xed\xa0\xbd\xed\xb8\x80",
    "overlong of two": b"\xc0\xaf",
    "overlong of three": b"\xe0\x80\xaf",
    "overlong of four": b"\xf0\x80\x80\xaf",
    "above the highest": b"\xf4\x90\x80\x80",
    "f5": b"\xf5\x80\x80\x80",
    "fe": b"\xfe",
    "ff": b"\xff",
    "five bytes": b"\xf8\x88\x80\x80\x80",
}


def utf8() -> Iterator[Case]:
    """Texts that are UTF-8 and texts that are not."""
    for name, text in VALID.items():
        data = text.encode("utf-8", "surrogatepass")
        yield Case(f"utf-8 {name}", (frame(TEXT, data),))
        for at in range(1, len(data)):
            parts = frame(TEXT, data[:at], fin=False), frame(CONT, data[at:])
            yield Case(f"utf-8 {name} in fragments at {at}", parts)
    after = frame(TEXT, b"after"), frame(PING, b"after")
    for name, data in INVALID.items():
        yield Case(f"not utf-8 {name}", (frame(TEXT, data), *after))
        yield Case(f"not utf-8 {name} within", (frame(TEXT, b"ab" + data + b"c"), *after))
        yield Case(f"not utf-8 {name} at the end", (frame(TEXT, "é".encode() + data), *after))
        apart = frame(TEXT, data, fin=False), frame(PING, b"p"), frame(CONT)
        yield Case(f"not utf-8 {name} in the first fragment", (*apart, *after))
        yield Case(f"binary {name}", (frame(BINARY, data), *after))
    spoilt = "a😀b".encode()
    for at in range(len(spoilt)):
        wrong = spoilt[:at] + b"\xff" + spoilt[at + 1 :]
        yield Case(f"not utf-8 at {at}", (frame(TEXT, wrong), *after))


def fragments() -> Iterator[Case]:
    """Messages in parts, and parts without a message."""
    yield Case("continuation without a start", (frame(CONT, b"a"), frame(TEXT, b"b")))
    yield Case("continuation behind a message", (frame(TEXT, b"a"), frame(CONT, b"b")))
    for first in (TEXT, BINARY):
        begun = frame(first, b"a", fin=False)
        for second in (TEXT, BINARY):
            for fin in (True, False):
                parts = begun, frame(second, b"b", fin=fin)
                yield Case(f"message {second} within message {first}, fin {fin}", parts)
        yield Case(f"message {first} of two", (begun, frame(CONT, b"b")))
        yield Case(f"message {first} of three", (begun, frame(CONT, b"b", fin=False), frame(CONT)))
        yield Case(f"message {first} of empty parts", (frame(first, fin=False), frame(CONT)))
        yield Case(f"message {first} not ended", (begun, frame(CONT, b"b", fin=False)))
        many = (frame(CONT, b"c", fin=False),) * 60
        yield Case(f"message {first} of many", (begun, *many, frame(CONT), frame(PING, b"p")))
        empty = (frame(CONT, fin=False),) * 60
        yield Case(f"message {first} of many empty parts", (begun, *empty, frame(CONT, b"e")))
        again = begun, frame(CONT, b"b"), begun, frame(CONT, b"d"), frame(BINARY, b"w")
        yield Case(f"message {first} in parts twice", again)


def sequences() -> Iterator[Case]:
    """Several messages, what follows an end, and frames that are not whole."""
    mixed = (frame(TEXT, b"1"), frame(BINARY, b"2"), frame(PING, b"3"), frame(TEXT, b"4"))
    yield Case("messages of both kinds", mixed)
    yield Case("many binary messages", tuple(frame(BINARY, bytes((n,))) for n in range(100)))
    yield Case("many texts", tuple(frame(TEXT, str(n).encode()) for n in range(100)))
    yield Case("messages and a close", (*mixed, close(1000)))
    yield Case("messages and a bad frame", (*mixed, frame(3), *mixed))
    for name, rest in {
        "text": frame(TEXT, b"late"),
        "binary": frame(BINARY, b"late"),
        "ping": frame(PING, b"late"),
        "close": close(1001),
        "garbage": b"\xff" * 30,
        "half a frame": frame(TEXT, b"late")[:3],
    }.items():
        yield Case(f"{name} behind a close", (frame(TEXT, b"a"), close(1000), rest))
        yield Case(f"{name} behind an error", (frame(TEXT, b"a"), frame(BINARY, bits=RSV1), rest))
    whole = frame(BINARY, bytes(200), width=8)
    for size in (1, 2, 5, 10, 13, 14, 15, 213):
        yield Case(f"{size} bytes of a frame", (frame(TEXT, b"a"), whole[:size]))
    yield Case("garbage", (b"GET / HTTP/1.1\r\n\r\n",))
    yield Case("a second handshake", (handshake(),))


def behind_the_handshake() -> Iterator[Case]:
    """Frames in the segment of the handshake, also while the application has not accepted."""
    half = frame(BINARY, b"a" * 20)
    follow = {
        "text": (frame(TEXT, b"early"),),
        "binary": (frame(BINARY, b"early"),),
        "ping": (frame(PING, b"early"),),
        "pong": (frame(PONG, b"early"),),
        "close": (close(1000),),
        "close and text": (close(1000), frame(TEXT, b"late")),
        "half a frame": (half[:9],),
        "a frame in two halves": (half[:9], half[9:]),
        "three messages": (frame(TEXT, b"1"), frame(BINARY, b"2"), frame(TEXT, b"3")),
        "a bad frame": (frame(3),),
        "an unmasked frame": (frame(TEXT, b"a", masked=False),),
        "text that is not utf-8": (frame(TEXT, b"\xff"),),
        "fragments and pings": (
            frame(TEXT, b"1", fin=False),
            frame(PING, b"p"),
            frame(CONT, b"2"),
        ),
    }
    for name, frames in follow.items():
        for hold in (0, 10):
            when = "accepted late" if hold else "accepted at once"
            yield Case(
                f"behind the handshake: {name}, {when}", frames, hold=hold, through_http=True
            )
        yield Case(f"before the application accepts: {name}", frames, hold=10)
