"""Results of audio inspection: a kind, and a text for the sender."""

from typing import Literal

import msgspec

Kind = Literal[
    "container", "compressed", "format", "shifted", "channels", "headers", "message", "rate"
]
"""Kind of problem; a session reports each kind once."""


class Finding(msgspec.Struct, frozen=True):
    """Report that the audio is most likely not what its session declares.

    Attributes:
        kind: the kind of problem.
        text: what was probably sent, and how to correct it.
    """

    kind: Kind
    text: str
