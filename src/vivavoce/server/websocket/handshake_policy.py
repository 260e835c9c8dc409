"""Decides when each handshake is admitted. Pure: no I/O, no clock.

After a restart all clients reconnect at the same time, without a backoff, and published clients
give up after five attempts. Their handshakes are therefore queued and admitted one after the
other; only handshakes that waited too long, or arrive when the queue is full, are refused.

The queue is fair in three ways. A token has at most one place in it: a later handshake of the
same token replaces the earlier one, whose client is gone or about to leave. A token is admitted
once a second in the long run, with a burst for clients that retry quickly. Resuming clients are
admitted three times as often as new ones while both wait.
"""

import heapq
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from itertools import count

from vivavoce.server.websocket.token_bucket import TokenBucket

RATE = 100.0
"""Handshakes per second in the long run: admits 200 clients in 2 s. Chosen, not measured."""

BURST = 50
"""Handshakes that pass at once."""

HELD_SECONDS = 5.0
"""Maximum time that a handshake is held; clients give up after 10 s and do not retry."""

MOST_HELD = 1000
"""Handshakes held at a time, of resuming and of new clients each."""

TOKEN_RATE = 1.0
"""Handshakes of one token per second in the long run."""

TOKEN_BURST = 20
"""Handshakes of one token at once.

A published client makes six for each lost connection, and a bad network loses several in a row.
"""

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
    """The decision about an arriving handshake.

    Attributes:
        ticket: its number; None if it is refused because the queue is full.
        superseded: the ticket of the earlier handshake that it replaces, which is refused.
    """

    ticket: int | None
    superseded: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The tickets admitted and the tickets refused at one instant."""

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
    """A token bucket fed by two queues."""

    def __init__(self, pacing: Pacing, now: float) -> None:
        self._pacing = pacing
        self._bucket = TokenBucket(pacing.rate, pacing.burst, now)
        self._at = now
        self._numbers = count()
        self._places: dict[Hashable, _Place] = {}  # all places, by token
        self._tickets: dict[int, _Place] = {}  # the same, by ticket
        self._held = {True: 0, False: 0}  # the same, counted by `resumes`
        self._queues: dict[bool, OrderedDict[Hashable, _Place]] = {
            True: OrderedDict(),  # resuming
            False: OrderedDict(),  # new
        }
        self._resting: list[tuple[float, int, _Place]] = []  # until the token's rate allows; a heap
        self._tokens: OrderedDict[Hashable, TokenBucket] = OrderedDict()  # last used last
        self._expires = float("inf")  # no place expires before
        self._turn = 0

    @property
    def held(self) -> int:
        """The number of waiting handshakes."""
        return len(self._tickets)

    def arrive(self, now: float, token: Hashable, *, resumes: bool) -> Arrival:
        """Queue a handshake.

        Args:
            now: seconds of a monotonic clock.
            token: the token of its session.
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
        """Remove a handshake whose client no longer waits; its token is not charged."""
        if (place := self._tickets.get(ticket)) is not None:
            self._queues[place.resumes].pop(place.token, None)
            self._remove(place)

    def _remove(self, place: _Place) -> None:
        del self._tickets[place.ticket]
        del self._places[place.token]
        self._held[place.resumes] -= 1

    def decide(self, now: float) -> Verdict:
        """Admit the handshakes that the rates allow, and refuse those that waited too long."""
        self._at = now
        self._forget(now)
        self._wake(now)
        admitted = tuple(self._admit(now))
        return Verdict(admitted, self._expire(now))

    def _forget(self, now: float) -> None:
        """Drop the buckets of tokens that are full again, least recently used first."""
        while self._tokens:
            token = next(iter(self._tokens))
            if not self._tokens[token].full(now):
                return
            del self._tokens[token]

    def _wake(self, now: float) -> None:
        """Queue the places whose token's rate allows it again."""
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
        """Return the seconds until the next decision; None if no handshake waits."""
        if not self._tickets:
            return None
        if any(self._queues.values()):
            return max(self._bucket.wait(self._at), 0.001)
        rested = self._resting[0][0] if self._resting else self._expires
        return max(min(rested, self._expires) - self._at, 0.001)

    @property
    def retry_after(self) -> int:
        """Seconds after which a client that is refused now may retry."""
        return 1 + int(self.held / self._pacing.rate)
