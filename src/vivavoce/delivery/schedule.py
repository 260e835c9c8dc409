"""When a delivery that failed is tried again, and what an answer means. No I/O.

The state belongs to a queue: the messages of one session for one endpoint, which go out one
after the other. Whatever keeps the first one back keeps all of them back.
"""

from enum import Enum, auto

import msgspec

from vivavoce.delivery.port import Answer

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR

DELAYS = (
    *(5.0, 15.0, 30.0),
    *(2 * MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE),
    *(1 * HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR),
)
GIVE_UP = 3 * DAY
MOST_RETRY_AFTER = DAY

GONE = 410
TOO_LARGE = 413


class Policy(msgspec.Struct, frozen=True):
    """How long an endpoint is given.

    Attributes:
        delays: longest wait in seconds after the first, second … failure in a row; the last one
            goes on. The wait itself is anything between none and that (full jitter), so that
            those who failed together do not come back together.
        give_up: seconds of failing after which messages are given up; never before every delay
            has been waited for once, so that a server that was off itself is no reason.
    """

    delays: tuple[float, ...] = DELAYS
    give_up: float = GIVE_UP


class Standing(msgspec.Struct, frozen=True):
    """How a queue stands with its endpoint.

    Attributes:
        failures: failed tries in a row.
        since: Unix time of the first of them.
        due: Unix time from which the next try may be made.
    """

    failures: int = 0
    since: float | None = None
    due: float = 0.0


class Fate(Enum):
    """What becomes of the message that was tried."""

    DELIVERED = auto()
    AGAIN = auto()
    LEAN = auto()  # again, at once, and smaller
    DEAD = auto()
    GONE = auto()  # with everything else for this endpoint


def settle(
    standing: Standing,
    answer: Answer,
    policy: Policy,
    now: float,
    dice: float,
    *,
    can_shrink: bool = False,
) -> tuple[Standing, Fate]:
    """What follows from an answer.

    Args:
        standing: before the try.
        answer: what came of it.
        policy: how long the endpoint is given.
        now: Unix time.
        dice: chance in ``[0, 1)``.
        can_shrink: the message can be sent in a smaller form and has not been.
    """
    status = answer.status or 0
    if 200 <= status < 300:  # noqa: PLR2004 -- the statuses that mean success
        return Standing(due=now), Fate.DELIVERED
    if status == GONE:
        return standing, Fate.GONE
    if status == TOO_LARGE and can_shrink:
        return msgspec.structs.replace(standing, due=now), Fate.LEAN
    failures = standing.failures + 1
    since = now if standing.since is None else standing.since
    if failures > len(policy.delays) and now - since >= policy.give_up:
        # The next message is tried at once, and given up as soon if that fails as well.
        return Standing(failures, since, now), Fate.DEAD
    wait = dice * policy.delays[min(failures, len(policy.delays)) - 1]
    wait = max(wait, min(answer.retry_after or 0.0, MOST_RETRY_AFTER))
    return Standing(failures, since, now + wait), Fate.AGAIN


def cause(answer: Answer) -> str:
    """Why a try failed, in a few words."""
    return answer.failure or f"HTTP {answer.status}"
