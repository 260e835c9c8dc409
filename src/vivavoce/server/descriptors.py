"""File descriptors: how many the process may have, and how many of them connections may take."""

import resource
from dataclasses import dataclass

MOST_RAISED = 65_536
"""The soft limit is raised to the hard one, but not above this: no server here needs more."""

RESERVED = 256
"""Descriptors kept back from connections, for what sessions need while they run: databases,
workers, recordings, downloads, deliveries. Half of the limit where the limit is small."""

MAX_DERIVED = 10_000
"""Connections at most where the setting does not say."""


@dataclass(frozen=True, slots=True)
class Descriptors:
    """The limits of the process."""

    soft: int
    hard: int


def raise_limit() -> Descriptors:
    """Raise the soft limit towards the hard one; a limit that cannot be raised stays."""
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
    """How many connections may be open.

    Args:
        soft: the soft limit of descriptors.
        wanted: the setting; 0 derives the number from the limit.
    """
    allowed = max(soft - min(RESERVED, soft // 2), 1)
    return min(wanted or MAX_DERIVED, allowed)
