"""Reports what inspections of a session's audio find: each kind once, whoever is connected."""

from collections.abc import Callable

from vivavoce.audio.findings import Finding, Kind

CODE = "suspicious_audio"


class Suspicions:
    """Keeps what was found until a connection takes the notice.

    Args:
        send: takes a code and a text; False where no connection can take it now.

    Attributes:
        waiting: texts that no connection has taken yet.
    """

    def __init__(self, send: Callable[[str, str], bool]) -> None:
        self._send = send
        self._known: set[Kind] = set()
        self.waiting: list[str] = []

    def add(self, finding: Finding) -> bool:
        """Report a finding; whether it is the first of its kind."""
        if finding.kind in self._known:
            return False
        self._known.add(finding.kind)
        self.waiting.append(finding.text)
        self.flush()
        return True

    def flush(self) -> None:
        """Send what waits."""
        while self.waiting and self._send(CODE, self.waiting[0]):
            self.waiting.pop(0)
