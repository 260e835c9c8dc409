"""What a WebSocket server makes of a stream of bytes, in the terms that implementations share."""

from dataclasses import dataclass, field

from vivavoce.load.light_socket import CLOSE, PING, PONG, unframed


@dataclass
class Outcome:
    """The observable result of one connection.

    Attributes:
        status: of the answer to the handshake; None where there was none.
        messages: delivered to the application, in order.
        pongs: payloads sent in answer to pings.
        close: the code of the close frame that was sent; 1005 for one without a code, None where
            none was sent.
        ended: whether the server ends the connection.
    """

    status: int | None = None
    messages: list[str | bytes] = field(default_factory=list)
    pongs: list[bytes] = field(default_factory=list)
    close: int | None = None
    ended: bool = False

    def __str__(self) -> str:
        """A short form for failed comparisons."""
        messages = [
            message if len(message) < 40 else f"<{type(message).__name__} of {len(message)}>"
            for message in self.messages
        ]
        return (
            f"status {self.status}, messages {messages}, pongs {self.pongs}, "
            f"close {self.close}, {'ended' if self.ended else 'open'}"
        )


def read_output(outcome: Outcome, written: bytes) -> None:
    """Fill in what the server's bytes say: the answer's status, pongs and the close code."""
    if not written:
        return
    begin, found, rest = written.partition(b"\r\n\r\n")
    assert found, f"half an answer: {written[:200]!r}"
    outcome.status = int(begin.split(b" ", 2)[1])
    if outcome.status != 101:
        return
    frames, left = unframed(rest)
    assert not left, f"half a frame: {left[:50]!r}"
    for kind, payload in frames:
        if kind == PONG:
            outcome.pongs.append(payload)
        elif kind == CLOSE:
            assert outcome.close is None, "a second close frame"
            outcome.close = int.from_bytes(payload[:2], "big") if payload else 1005
        else:
            assert kind == PING, f"a frame of type {kind} that nothing asked for"
