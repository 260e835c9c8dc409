"""Who owns which session for now.

One process at a time holds a data folder, so an owner that could outlive this process cannot
exist: embedded journals keep their leases in memory, and a restart starts with none.
"""

from collections.abc import Callable


class Leases:
    """Ownership of sessions, each until a point of the wall clock (Unix seconds)."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: dict[str, tuple[str, float]] = {}

    def claim(self, session_id: str, holder: str, seconds: float) -> bool:
        """Take or renew a session; False while somebody else's lease runs."""
        now = self._clock()
        owner, until = self._held.get(session_id, (holder, now))
        if owner != holder and now < until:
            return False
        self._held[session_id] = (holder, now + seconds)
        return True

    def release(self, session_id: str, holder: str) -> None:
        """End the holder's lease, if it is theirs."""
        if self._held.get(session_id, ("", 0.0))[0] == holder:
            del self._held[session_id]

    def forget(self, session_id: str) -> None:
        """End whatever lease there is on a session that is no more."""
        self._held.pop(session_id, None)
