"""Who may finish a handshake when: after a restart everybody comes back in the same instant.

Published clients return at once, without a wait of their own, and give up after five attempts.
So their handshakes are held and let through one after the other; only who has waited too long,
or finds too many before it, is refused. No I/O, no clock.
"""

from collections import OrderedDict
from dataclasses import dataclass
from itertools import count

RATE = 100.0
"""Handshakes a second in the long run: 200 clients are in within 2 s. Chosen, not measured."""

BURST = 50
"""Handshakes that pass at once."""

HELD_SECONDS = 5.0
"""So long a handshake is held; clients give one up after 10 s and do not come back."""

MOST_HELD = 2000
"""Handshakes held at a time."""


@dataclass(frozen=True, slots=True)
class Pacing:
    """The bounds of handshakes."""

    rate: float = RATE
    burst: int = BURST
    held_seconds: float = HELD_SECONDS
    most_held: int = MOST_HELD


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is decided at one instant: tickets that may enter, and those that are refused."""

    admitted: tuple[int, ...]
    refused: tuple[int, ...]


class Handshakes:
    """A bucket of tokens with two lines before it; who resumes a session goes first."""

    def __init__(self, pacing: Pacing, now: float) -> None:
        self._pacing = pacing
        self._tokens = float(pacing.burst)
        self._at = now
        self._numbers = count()
        self._resuming: OrderedDict[int, float] = OrderedDict()
        self._new: OrderedDict[int, float] = OrderedDict()

    @property
    def held(self) -> int:
        """How many wait."""
        return len(self._resuming) + len(self._new)

    def arrive(self, now: float, *, resumes: bool) -> int | None:
        """A ticket; None where too many wait already."""
        if self.held >= self._pacing.most_held:
            return None
        ticket = next(self._numbers)
        line = self._resuming if resumes else self._new
        line[ticket] = now + self._pacing.held_seconds
        return ticket

    def leave(self, ticket: int) -> None:
        """Somebody waits no more."""
        self._resuming.pop(ticket, None)
        self._new.pop(ticket, None)

    def decide(self, now: float) -> Verdict:
        """Let in whom the tokens allow, and refuse who has waited long enough."""
        pacing = self._pacing
        self._tokens = min(self._tokens + (now - self._at) * pacing.rate, float(pacing.burst))
        self._at = now
        admitted = tuple(self._admit())
        refused = tuple(
            ticket
            for line in (self._resuming, self._new)
            for ticket, until in line.items()
            if until <= now
        )
        for ticket in refused:
            self.leave(ticket)
        return Verdict(admitted, refused)

    def _admit(self) -> list[int]:
        admitted = []
        while self._tokens >= 1 and (line := self._resuming or self._new):
            ticket, _ = line.popitem(last=False)
            admitted.append(ticket)
            self._tokens -= 1
        return admitted

    def wait(self) -> float | None:
        """Seconds until something is to be decided; None where nobody waits."""
        if not self.held:
            return None
        return max((1 - self._tokens) / self._pacing.rate, 0.001)

    @property
    def retry_after(self) -> int:
        """Seconds after which somebody who is refused now may try again."""
        return 1 + int(self.held / self._pacing.rate)
