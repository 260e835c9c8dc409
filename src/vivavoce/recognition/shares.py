"""How much of the workers' time each session has had, so that none takes more than its share.

Start-time fair queueing: every session has a virtual time that grows with the speech decoded for
it, and the one that is least far on goes first. Who comes back after a pause begins where the
others are: neither is a pause saved up, nor what was taken while nobody else asked held against it.
So while a session waits for its turn, no other session of the same rank gets more than two of
the longest jobs' worth of speech before it, however many channels it has.
"""


class Shares:
    """The virtual times of sessions. ``forget`` must be called when a session ends."""

    def __init__(self) -> None:
        self._had: dict[str, int] = {}
        self._since: dict[str, float] = {}
        self._reached = 0

    def had(self, session: str) -> int:
        """How far on a session is: the lower, the sooner it is served."""
        return self._had.get(session, self._reached)

    def waited(self, session: str, now: float) -> float:
        """Seconds since a session was served or began to ask."""
        return now - self._since.get(session, now)

    def join(self, session: str, now: float) -> None:
        """A session that was owed nothing asks for something."""
        self._had[session] = max(self.had(session), self._reached)
        self._since[session] = now

    def reach(self, session: str) -> None:
        """It is a session's turn, so this is how far all are on.

        Who only goes along in a batch may be far ahead: a session that comes back there would
        wait until all others are.
        """
        self._reached = max(self._reached, self.had(session))

    def charge(self, session: str, samples: int, now: float) -> None:
        """A job of a session has been handed out."""
        self._had[session] = self.had(session) + samples
        self._since[session] = now

    def forget(self, session: str) -> None:
        """A session has ended."""
        self._had.pop(session, None)
        self._since.pop(session, None)
