"""Answers to handshakes: which agree, and where we differ from the library on purpose."""

from typing import Final, Literal, NamedTuple

from websocket_suite.outcome import Outcome

Verdict = Literal["switched", "refused", "ordinary", "hanging"]
"""The connection is a WebSocket; it was answered with an error and ends; the application answered
it as an ordinary request; or none of these."""

NOT_FOUND: Final = 404
"""The answer of the suite's application to every ordinary request."""


class Difference(NamedTuple):
    """What we do instead, and why."""

    verdict: Verdict
    reason: str


_ORDINARY: Final = Difference(
    "ordinary", "It asks for no WebSocket: one port serves HTTP as well, so its routes answer."
)
_LENIENT: Final = Difference(
    "switched", "RFC 9112 §2.2 and §3 let a server ignore it, and the HTTP parser does."
)
_BOUND: Final = Difference(
    "refused", "A head has at most 64 KiB and 100 lines here; the library bounds each line alone."
)

DIFFERENT: Final[dict[str, Difference]] = {
    "handshake no Connection": _ORDINARY,
    "handshake Connection: close": _ORDINARY,
    "handshake Connection: keep-alive": _ORDINARY,
    "handshake Connection: Upgraded": _ORDINARY,
    "handshake no Upgrade": _ORDINARY,
    "handshake Upgrade: h2c": _ORDINARY,
    "handshake Upgrade: websocket, h2c": _ORDINARY,
    "handshake Upgrade: websockets": _ORDINARY,
    "handshake HTTP/1.0": Difference(
        "ordinary", "RFC 9110 §7.8: an Upgrade header in an HTTP/1.0 request is ignored."
    ),
    "handshake two spaces in the line": _LENIENT,
    "handshake a blank line before": _LENIENT,
    "handshake head over 64 KiB": _BOUND,
}


def library_verdict(found: Outcome) -> Verdict:
    """What the library made of a handshake. Some refusals it only hangs up on."""
    return "switched" if found.status == 101 else "refused" if found.ended else "hanging"


def our_verdict(found: Outcome) -> Verdict:
    """What we made of one. A refusal has to be an answer, and the end of the connection."""
    if found.status is None:
        return "hanging"
    if found.status == NOT_FOUND:
        return "ordinary"
    if found.status == 101:
        return "switched"
    return "refused" if found.status >= 400 and found.ended else "hanging"
