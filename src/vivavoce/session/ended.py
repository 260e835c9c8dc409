"""Which sessions have ended of late, and whether their clients know. No I/O. Decision 25."""

from collections import OrderedDict

MOST_ENDED = 10_000
"""Ended sessions that are remembered; then the first of them is as unknown as any other."""


class EndedSessions:
    """Remembers tokens of ended sessions, in bounded memory.

    A client that was connected at the end knows of it. Another one learns it from a close code,
    once: one that comes back all the same heeds no close code.
    """

    def __init__(self, most: int = MOST_ENDED) -> None:
        self._most = most
        self._unaware: OrderedDict[bytes, str] = OrderedDict()
        self._tokens: dict[str, bytes] = {}

    def __len__(self) -> int:
        return len(self._unaware)

    def add(self, session_id: str, token_hash: bytes) -> None:
        """Note a session whose client has not read its end."""
        self._unaware[token_hash] = session_id
        self._tokens[session_id] = token_hash
        if len(self._unaware) > self._most:
            _, oldest = self._unaware.popitem(last=False)
            del self._tokens[oldest]

    def take(self, token_hash: bytes) -> bool:
        """Whether the session of a token has ended without its client's knowledge; True once."""
        session_id = self._unaware.pop(token_hash, None)
        if session_id is None:
            return False
        del self._tokens[session_id]
        return True

    def forget(self, session_id: str) -> None:
        """Forget a session that its owner has deleted."""
        if token_hash := self._tokens.pop(session_id, None):
            del self._unaware[token_hash]
