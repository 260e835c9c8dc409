"""What an inspection of audio found: a kind, and words for the sender."""

from typing import Literal

import msgspec

Kind = Literal[
    "container", "compressed", "format", "shifted", "channels", "headers", "message", "rate"
]
"""What is wrong; a session reports each kind once."""


class Finding(msgspec.Struct, frozen=True):
    """Audio that is most likely not what its session declares.

    Attributes:
        kind: what is wrong.
        text: what was probably sent, and what to do about it.
    """

    kind: Kind
    text: str
