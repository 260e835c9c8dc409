"""Progress of a model pull."""

from collections.abc import Callable
from typing import Literal

import msgspec

Stage = Literal["waiting", "downloading", "checking", "preparing", "ready"]

Bytes = Callable[[int, int], None]
"""Called with bytes done and bytes in total."""


class PullProgress(msgspec.Struct, frozen=True):
    """Progress of a pull: ``done`` of ``total`` bytes or files of the current stage."""

    model: str
    stage: Stage
    done: int = 0
    total: int = 0


Report = Callable[[PullProgress], None]
