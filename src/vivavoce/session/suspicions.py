"""Reports findings about a session's audio, each kind once over all connections."""

from collections.abc import Callable

from vivavoce.audio.findings import Finding, Kind

CODE = "suspicious_audio"


class Suspicions:
    """Keeps findings until a connection can send them to the client.

    Args:
        send: sends a code and a text; returns False if no connection can send them now.
    """

    def __init__(self, send: Callable[[str, str], bool]) -> None:
        self._send = send
        self._known: set[Kind] = set()
        self._waiting: list[str] = []

    def add(self, finding: Finding) -> bool:
        """Report a finding; return whether it is the first of its kind."""
        if finding.kind in self._known:
            return False
        self._known.add(finding.kind)
        self._waiting.append(finding.text)
        self.flush()
        return True

    def flush(self) -> None:
        """Send the waiting texts, as far as possible."""
        while self._waiting and self._send(CODE, self._waiting[0]):
            self._waiting.pop(0)
