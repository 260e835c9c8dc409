"""Recently ended sessions whose clients have not read of the end. No I/O. Decision 25."""

from collections import OrderedDict

MOST_ENDED = 10_000
"""Maximum number of stored ended sessions; beyond it, the oldest is discarded."""


class EndedSessions:
    """Store the tokens of ended sessions, in bounded memory.

    A client that was connected at the end has read it. Any other client learns of the end from a
    close code, once: a client that reconnects after that ignores close codes.
    """

    def __init__(self, most: int = MOST_ENDED) -> None:
        self._most = most
        self._unaware: OrderedDict[bytes, str] = OrderedDict()
        self._tokens: dict[str, bytes] = {}

    def __len__(self) -> int:
        return len(self._unaware)

    def add(self, session_id: str, token_hash: bytes) -> None:
        """Store a session whose client has not read its end."""
        self._unaware[token_hash] = session_id
        self._tokens[session_id] = token_hash
        if len(self._unaware) > self._most:
            _, oldest = self._unaware.popitem(last=False)
            del self._tokens[oldest]

    def take(self, token_hash: bytes) -> bool:
        """Return whether a token's session has ended without its client's knowledge; True once."""
        session_id = self._unaware.pop(token_hash, None)
        if session_id is None:
            return False
        del self._tokens[session_id]
        return True

    def forget(self, session_id: str) -> None:
        """Remove a session that its owner has deleted."""
        if token_hash := self._tokens.pop(session_id, None):
            del self._unaware[token_hash]
