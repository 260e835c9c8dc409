"""Why a socket is closed. Codes 1000, 1001 and 4400-4499 end a client; others bring it back.

Contract §2.7 has how the published clients react to each.
"""

from enum import IntEnum
from typing import Self


class CloseCode(IntEnum):
    """Close codes that this server sends.

    Attributes:
        meaning: in a sentence, for the reference.
        reason: the text of the close frame where the session has no other; at most 123 bytes.
    """

    meaning: str
    reason: str

    def __new__(cls, code: int, meaning: str, reason: str = "") -> Self:
        """Make a code with its meaning and reason."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        member.reason = reason
        return member

    @property
    def resumable(self) -> bool:
        """Whether published clients reconnect after it."""
        return self not in {1000, 1001} and not 4400 <= self <= 4499  # noqa: PLR2004  as above

    FINISHED = (
        1000,
        (
            "The session has ended and every message was sent. Where the server ended the "
            "recording, the reason of the close frame says why."
        ),
    )
    TOO_BIG = (
        1009,
        "A frame was larger than the server takes; the session can be resumed.",
        "a frame was too large",
    )
    INTERNAL = 1011, "A fault of the server; the session can be resumed.", "a fault of the server"
    RESTART = 1012, "The server restarts; the session can be resumed at the same URL.", "restart"
    TRY_LATER = (
        1013,
        (
            "The server cannot store audio now, or the client reads too slowly or sends a message "
            "too slowly; the session can be resumed."
        ),
        "the client reads too slowly, or audio cannot be stored now",
    )
    UNREADABLE = (
        4400,
        "Too many messages in a row could not be read.",
        "too many unreadable messages",
    )
    ENDED = (
        4403,
        (
            "The session ended while its client was away; its result can be fetched. Sent once, "
            "then the handshake is refused with 403."
        ),
        "the session has ended",
    )
    REPLACED = 4409, "A newer connection took the session over.", "replaced by a newer connection"
    GAP = (
        4416,
        "The client's stated position lies beyond the stored audio: bytes are missing.",
        "audio is missing before the stated position",
    )
