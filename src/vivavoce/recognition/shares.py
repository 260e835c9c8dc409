"""Fair queueing of the workers' time among sessions.

Start-time fair queueing: every session has a virtual time that grows with the speech decoded for
it, and the session with the lowest virtual time goes first. A session that returns after a pause
starts at the virtual time of the others: it gains no credit for the pause, and service received
without competition is not held against it. So while a session waits, no other session of the same
rank gets more speech decoded before it than two of the longest jobs, however many channels it has.
"""


class Shares:
    """The virtual times of sessions. ``forget`` must be called when a session ends."""

    def __init__(self) -> None:
        self._had: dict[str, int] = {}
        self._since: dict[str, float] = {}
        self._reached = 0

    def had(self, session: str) -> int:
        """Return a session's virtual time, in samples; the lowest is served first."""
        return self._had.get(session, self._reached)

    def waited(self, session: str, now: float) -> float:
        """Return the seconds since a session was last served or joined."""
        return now - self._since.get(session, now)

    def join(self, session: str, now: float) -> None:
        """Add a session that had no jobs or claims."""
        self._had[session] = max(self.had(session), self._reached)
        self._since[session] = now

    def reach(self, session: str) -> None:
        """Advance the common virtual time to that of the session that is served next.

        Sessions that only join its batch do not count: they may be far ahead, and a session that
        returned at their virtual time would wait until all others got there.
        """
        self._reached = max(self._reached, self.had(session))

    def charge(self, session: str, samples: int, now: float) -> None:
        """Charge a session for a job of ``samples`` that a worker takes."""
        self._had[session] = self.had(session) + samples
        self._since[session] = now

    def forget(self, session: str) -> None:
        """Discard the state of an ended session."""
        self._had.pop(session, None)
        self._since.pop(session, None)
