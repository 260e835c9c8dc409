"""Why a socket is closed. Codes 1000, 1001 and 4400-4499 end a client; others bring it back.

Contract §2.7 has how the published clients react to each.
"""

from enum import IntEnum
from typing import Self


class CloseCode(IntEnum):
    """Close codes that this server sends.

    Attributes:
        meaning: in a sentence, for the reference.
    """

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Self:
        """A code with its meaning."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    @property
    def resumable(self) -> bool:
        """Whether published clients come back after it."""
        return self not in {1000, 1001} and not 4400 <= self <= 4499  # noqa: PLR2004  as above

    FINISHED = 1000, "The session has ended and every message was sent."
    TOO_BIG = 1009, "A frame was larger than the server takes; the session can be resumed."
    INTERNAL = 1011, "A fault of the server; the session can be resumed."
    RESTART = 1012, "The server restarts; the session can be resumed at the same URL."
    TRY_LATER = (
        1013,
        (
            "The server cannot store audio now, or the client reads too slowly or sends a message "
            "too slowly; the session can be resumed."
        ),
    )
    UNREADABLE = 4400, "Too many messages in a row could not be read."
    REPLACED = 4409, "A newer connection took the session over."
    GAP = 4416, "The client's stated position lies beyond the stored audio: bytes are missing."
