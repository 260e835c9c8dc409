"""Leases: temporary ownership of sessions.

A data folder is held by one process at a time, so no lease holder can outlive this process:
embedded journals keep their leases in memory, and a restart begins with none.
"""

from collections.abc import Callable


class Leases:
    """Ownership of sessions, each until a point of the wall clock (Unix seconds)."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: dict[str, tuple[str, float]] = {}

    def claim(self, session_id: str, holder: str, seconds: float) -> bool:
        """Acquire or renew a lease; False while another holder's lease is valid."""
        now = self._clock()
        owner, until = self._held.get(session_id, (holder, now))
        if owner != holder and now < until:
            return False
        self._held[session_id] = (holder, now + seconds)
        return True

    def release(self, session_id: str, holder: str) -> None:
        """End the lease if this holder has it."""
        if self._held.get(session_id, ("", 0.0))[0] == holder:
            del self._held[session_id]

    def forget(self, session_id: str) -> None:
        """End the lease, if any, on a session that no longer exists."""
        self._held.pop(session_id, None)
