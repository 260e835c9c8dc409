"""Decides which handshakes are admitted when. Pure: no I/O, no clock.

After a restart every client returns in the same instant, without a wait of its own, and published
clients give up after five attempts. Their handshakes are therefore queued and admitted one after
the other; only those that waited too long, or find the queue full, are refused.

The queue is fair in three ways. A token has at most one place in it: a later handshake of the
same token takes the place of the earlier one, whose client is gone or about to be. A token is
admitted once a second in the long run, with a burst for clients that retry quickly. And the two
queues are served in turn, resuming clients three times as often as new ones.
"""

import heapq
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from itertools import count

from vivavoce.server.websocket.token_bucket import TokenBucket

RATE = 100.0
"""Handshakes a second in the long run: 200 clients are in within 2 s. Chosen, not measured."""

BURST = 50
"""Handshakes that pass at once."""

HELD_SECONDS = 5.0
"""Longest time that a handshake is held; clients give one up after 10 s and do not come back."""

MOST_HELD = 1000
"""Handshakes held at a time, of resuming and of new clients each."""

TOKEN_RATE = 1.0
"""Handshakes of one token a second in the long run."""

TOKEN_BURST = 6
"""Handshakes of one token at once: a published client's first attempt and its five retries."""

RESUMING_SHARE = 3
"""Resuming clients admitted for each new one while both wait."""


@dataclass(frozen=True, slots=True)
class Pacing:
    """The bounds of handshakes."""

    rate: float = RATE
    burst: int = BURST
    held_seconds: float = HELD_SECONDS
    most_held: int = MOST_HELD
    token_rate: float = TOKEN_RATE
    token_burst: int = TOKEN_BURST
    resuming_share: int = RESUMING_SHARE


@dataclass(frozen=True, slots=True)
class Arrival:
    """What becomes of a handshake that arrives.

    Attributes:
        ticket: its number; None if it is refused, because the queue is full.
        superseded: the ticket of the earlier handshake that it replaces; that one is refused.
    """

    ticket: int | None
    superseded: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is decided at one instant: tickets that are admitted, and those that are refused."""

    admitted: tuple[int, ...]
    refused: tuple[int, ...]


@dataclass(slots=True)
class _Place:
    """A token's place in the queue."""

    token: Hashable
    resumes: bool
    ticket: int
    until: float


class HandshakePolicy:
    """A token bucket with two queues before it."""

    def __init__(self, pacing: Pacing, now: float) -> None:
        self._pacing = pacing
        self._bucket = TokenBucket(pacing.rate, pacing.burst, now)
        self._at = now
        self._numbers = count()
        self._places: dict[Hashable, _Place] = {}  # every place, by token
        self._tickets: dict[int, _Place] = {}  # the same, by ticket
        self._held = {True: 0, False: 0}  # the same, counted by `resumes`
        self._queues: dict[bool, OrderedDict[Hashable, _Place]] = {
            True: OrderedDict(),  # resuming
            False: OrderedDict(),  # new
        }
        self._resting: list[tuple[float, int, _Place]] = []  # until the token's rate allows; a heap
        self._tokens: OrderedDict[Hashable, TokenBucket] = OrderedDict()  # last used last
        self._expires = float("inf")  # no place does before
        self._turn = 0

    @property
    def held(self) -> int:
        """How many wait."""
        return len(self._tickets)

    def arrive(self, now: float, token: Hashable, *, resumes: bool) -> Arrival:
        """Queue a handshake.

        Args:
            now: seconds of a monotonic clock.
            token: whose handshake it is.
            resumes: whether its session has been connected to before.
        """
        self._at = now
        until = now + self._pacing.held_seconds
        if (place := self._places.get(token)) is not None:
            superseded = place.ticket
            del self._tickets[superseded]
            place.ticket, place.until = next(self._numbers), until
            self._tickets[place.ticket] = place
            return Arrival(place.ticket, superseded)
        if self._held[resumes] >= self._pacing.most_held:
            return Arrival(None)
        place = _Place(token, resumes, next(self._numbers), until)
        self._places[token] = self._tickets[place.ticket] = place
        self._held[resumes] += 1
        self._expires = min(self._expires, until)
        bucket = self._tokens.get(token)
        if bucket is not None and (rest := bucket.wait(now)):
            heapq.heappush(self._resting, (now + rest, place.ticket, place))
        else:
            self._queues[resumes][token] = place
        return Arrival(place.ticket)

    def leave(self, ticket: int) -> None:
        """Remove a handshake whose client waits no more; it costs its token nothing."""
        if (place := self._tickets.get(ticket)) is not None:
            self._queues[place.resumes].pop(place.token, None)
            self._remove(place)

    def _remove(self, place: _Place) -> None:
        del self._tickets[place.ticket]
        del self._places[place.token]
        self._held[place.resumes] -= 1

    def decide(self, now: float) -> Verdict:
        """Admit those whom the rates allow, and refuse those that have waited long enough."""
        self._at = now
        self._forget(now)
        self._wake(now)
        admitted = tuple(self._admit(now))
        return Verdict(admitted, self._expire(now))

    def _forget(self, now: float) -> None:
        """Forget tokens that may come as if they never had; those least recently used are first."""
        while self._tokens:
            token = next(iter(self._tokens))
            if not self._tokens[token].full(now):
                return
            del self._tokens[token]

    def _wake(self, now: float) -> None:
        """Queue those whose token's rate allows it again."""
        while self._resting and self._resting[0][0] <= now:
            place = heapq.heappop(self._resting)[2]
            if self._places.get(place.token) is place:  # it has not left
                self._queues[place.resumes][place.token] = place

    def _admit(self, now: float) -> list[int]:
        admitted = []
        while (queue := self._next_queue()) and self._bucket.take(now):
            token, place = queue.popitem(last=False)
            self._remove(place)
            self._count(token, now)
            admitted.append(place.ticket)
            self._turn += 1
        return admitted

    def _next_queue(self) -> OrderedDict[Hashable, _Place]:
        share = self._pacing.resuming_share
        resuming_first = self._turn % (share + 1) < share
        return self._queues[resuming_first] or self._queues[not resuming_first]

    def _count(self, token: Hashable, now: float) -> None:
        pacing = self._pacing
        bucket = self._tokens.get(token) or TokenBucket(pacing.token_rate, pacing.token_burst, now)
        bucket.take(now)
        self._tokens[token] = bucket
        self._tokens.move_to_end(token)

    def _expire(self, now: float) -> tuple[int, ...]:
        if now < self._expires:
            return ()
        refused = tuple(place.ticket for place in self._places.values() if place.until <= now)
        for ticket in refused:
            self.leave(ticket)
        self._expires = min((place.until for place in self._places.values()), default=float("inf"))
        return refused

    def wait(self) -> float | None:
        """Seconds until something is to be decided; None if none waits."""
        if not self._tickets:
            return None
        if any(self._queues.values()):
            return max(self._bucket.wait(self._at), 0.001)
        rested = self._resting[0][0] if self._resting else self._expires
        return max(min(rested, self._expires) - self._at, 0.001)

    @property
    def retry_after(self) -> int:
        """Seconds after which a client that is refused now may try again."""
        return 1 + int(self.held / self._pacing.rate)
