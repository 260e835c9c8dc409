"""The limit of file descriptors of the process, and the share of it for connections."""

import resource
from dataclasses import dataclass

MOST_RAISED = 65_536
"""Maximum to which the soft limit is raised; no server needs more."""

RESERVED = 256
"""Descriptors reserved for running sessions: databases, workers, recordings, downloads, deliveries.

Half of the limit if the limit is below twice this number.
"""

MAX_DERIVED = 10_000
"""Maximum of connections if the setting is 0."""


@dataclass(frozen=True, slots=True)
class Descriptors:
    """The soft and the hard limit of the process."""

    soft: int
    hard: int


def raise_limit() -> Descriptors:
    """Raise the soft limit to the hard one, at most to ``MOST_RAISED``; return both limits."""
    soft, hard = (
        MOST_RAISED if limit == resource.RLIM_INFINITY else limit
        for limit in resource.getrlimit(resource.RLIMIT_NOFILE)
    )
    wanted = min(hard, MOST_RAISED)
    if soft < wanted:
        kept_hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, kept_hard))
        soft = wanted
    return Descriptors(soft, hard)


def connections_for(soft: int, wanted: int) -> int:
    """Return the number of connections that may be open.

    Args:
        soft: the soft limit of descriptors.
        wanted: the setting; 0 derives the number from the limit.
    """
    allowed = max(soft - min(RESERVED, soft // 2), 1)
    return min(wanted or MAX_DERIVED, allowed)
