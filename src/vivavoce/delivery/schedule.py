"""The retry schedule of deliveries, and the interpretation of responses. No I/O.

The retry state belongs to a queue: the messages of one session for one endpoint, which are sent
in sequence. A delay of the first message delays all of them.
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
    """The retry policy.

    Attributes:
        delays: maximum waits in seconds after the first, second … consecutive failure; the last
            one repeats. The actual wait is random between 0 and the maximum (full jitter), so
            that queues that failed together do not retry together.
        give_up: seconds of consecutive failures after which messages become dead letters, but
            never before every delay has been used once, so that downtime of this server alone
            causes none.
    """

    delays: tuple[float, ...] = DELAYS
    give_up: float = GIVE_UP


class Standing(msgspec.Struct, frozen=True):
    """The retry state of a queue.

    Attributes:
        failures: number of consecutive failed attempts.
        since: Unix time of the first of them; None if there are none.
        due: Unix time from which the next attempt may be made.
    """

    failures: int = 0
    since: float | None = None
    due: float = 0.0


class Fate(Enum):
    """The result of an attempt for its message."""

    DELIVERED = auto()
    AGAIN = auto()
    LEAN = auto()  # retried at once with a reduced body
    DEAD = auto()
    GONE = auto()  # dead, with all other messages for this endpoint


def settle(
    standing: Standing,
    answer: Answer,
    policy: Policy,
    now: float,
    dice: float,
    *,
    can_shrink: bool = False,
) -> tuple[Standing, Fate]:
    """Return the new retry state and the fate of the message after an attempt.

    Args:
        standing: retry state before the attempt.
        answer: outcome of the attempt.
        policy: the retry policy.
        now: Unix time.
        dice: a random number in ``[0, 1)``.
        can_shrink: whether the message has a smaller form that has not been sent.
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
        # The next message is tried at once, and becomes a dead letter if that fails as well.
        return Standing(failures, since, now), Fate.DEAD
    wait = dice * policy.delays[min(failures, len(policy.delays)) - 1]
    wait = max(wait, min(answer.retry_after or 0.0, MOST_RETRY_AFTER))
    return Standing(failures, since, now + wait), Fate.AGAIN


def cause(answer: Answer) -> str:
    """Return a short reason for a failed attempt."""
    return answer.failure or f"HTTP {answer.status}"
