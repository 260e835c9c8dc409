"""Sends due messages, in order within each queue, storing each outcome before the next message.

A message counts as delivered only once that is stored: after a crash in between, it is sent
again with the same id.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec
import sqlalchemy as sql
import structlog

from vivavoce.delivery import queues
from vivavoce.delivery.bodies import LEAN_BYTES, lean_body
from vivavoce.delivery.endpoints import callback_secrets, decode_secrets
from vivavoce.delivery.ledger import Ledger, LedgerError
from vivavoce.delivery.port import Answer, Delivery, Transport
from vivavoce.delivery.queues import Barred, Queue, Waiting
from vivavoce.delivery.schedule import TOO_LARGE, Fate, Policy, Standing, cause, settle
from vivavoce.delivery.slots import Slots
from vivavoce.supervision import Backoff, Supervisor

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0
"""Interval for polling the queues, which the command line can change as well."""

TIDY_SECONDS = 600.0
LEDGER_RETRY_SECONDS = 1.0
BROKEN_QUEUES = Backoff(first=2.0, longest=600.0)
"""Pauses before another attempt at a queue that could not be read."""

CLOSE_SECONDS = 2.0
"""Timeout for requests in progress when the server stops."""

Sign = Callable[[Sequence[str], str, int, bytes], Mapping[str, str]]
"""Returns signature headers from the secrets, the message id, the Unix time and the body."""


class Size(msgspec.Struct, frozen=True):
    """Maximum bytes of a body, and the base URL for links in reduced bodies."""

    most: int
    base_url: str


@dataclass(slots=True)
class Tally:
    """Counts of delivery outcomes since the start of the process."""

    delivered: int = 0
    failed: int = 0
    given_up: int = 0
    gone: int = 0


@dataclass(frozen=True, slots=True)
class Means:
    """The dependencies of the dispatcher.

    Attributes:
        wall: returns the Unix time.
        dice: returns a random number in ``[0, 1)``.
    """

    transport: Transport
    sign: Sign
    policy: Policy
    size: Size
    wall: Callable[[], float]
    dice: Callable[[], float]


@dataclass(slots=True)
class _Turn:
    """A queue being sent; its retry state changes with every response."""

    queue: Queue
    secrets: tuple[str, ...]
    standing: Standing
    lean: bool = field(default=False)


@dataclass(frozen=True, slots=True)
class _Broken:
    """A queue that cannot be read or sent for a reason other than its endpoint."""

    failures: int
    until: float


class Dispatcher:
    """Sends from all queues concurrently, within limits.

    Attributes:
        tally: counts of delivery outcomes.
    """

    def __init__(
        self,
        ledger: Ledger,
        means: Means,
        slots: Slots | None = None,
        poll: float = POLL_SECONDS,
        supervisor: Supervisor | None = None,
    ) -> None:
        self.tally = Tally()
        self._poll = poll
        self._ledger = ledger
        self._means = means
        self._slots = slots or Slots()
        self._supervisor = supervisor or Supervisor()
        self._broken: dict[int, _Broken] = {}
        self._active: dict[int, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._closing = False
        self._tidied = 0.0

    @property
    def under_way(self) -> int:
        """Number of queues being sent."""
        return len(self._active)

    def wake(self) -> None:
        """Check the queues now, since new messages may be due."""
        self._wake.set()

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            try:
                await self._send_due()
                await self._rest()
            except LedgerError as error:
                log.warning("deliveries_unavailable", error=str(error))
                await asyncio.sleep(LEDGER_RETRY_SECONDS)

    async def aclose(self) -> None:
        """Start no more requests, and cancel unfinished ones after a timeout; they are resent."""
        self._closing = True
        if self._active:
            _, late = await asyncio.wait(self._active.values(), timeout=CLOSE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _send_due(self) -> None:
        """Start sending from every due queue, as far as slots are free."""
        self._wake.clear()
        while self._slots.free > 0 and not self._closing:
            now, barred, free = self._means.wall(), self._barred(), self._slots.free
            found = await self._ledger.run(
                lambda db: queues.due(db, now, barred, free)  # noqa: B023  run before the next iteration
            )
            if not sum(self._try_to_begin(queue) for queue in found):
                return

    def _barred(self) -> Barred:
        now = self._means.wall()
        broken = (key for key, each in self._broken.items() if each.until > now)
        return Barred(
            (*self._active, *broken),
            tuple(self._slots.full()),
            self._slots.retries_full,
            tuple(self._slots.full_of_retries()),
        )

    async def _rest(self) -> None:
        """Wait until ``wake``, the next due time or the poll interval; tidy up when due."""
        now = self._means.wall()
        if now - self._tidied > TIDY_SECONDS:
            self._tidied = now
            late = now - TIDY_SECONDS
            self._broken = {key: each for key, each in self._broken.items() if each.until > late}
            await self._ledger.run(lambda db: queues.tidy(db, now))
        soon = await self._ledger.run(lambda db: queues.next_due(db, now))
        rest = self._poll if soon is None else min(self._poll, max(soon - now, 0.0))
        with suppress(TimeoutError):
            async with asyncio.timeout(rest):
                await self._wake.wait()

    def _try_to_begin(self, queue: Queue) -> bool:
        try:
            return self._begin(queue)
        except Exception as error:  # noqa: BLE001  one queue must not stop the others
            self._postpone(queue, error)
            return False

    def _postpone(self, queue: Queue, error: Exception) -> None:
        """Postpone a queue that cannot be sent; its messages are kept."""
        before = self._broken.get(queue.key)
        failures = 1 if before is None else before.failures + 1
        until = self._means.wall() + BROKEN_QUEUES.pause(failures)
        self._broken[queue.key] = _Broken(failures, until)
        self._supervisor.unreadable("delivery queue", error, queue=queue.key)

    def _begin(self, queue: Queue) -> bool:
        failing = queue.standing.failures > 0
        if queue.key in self._active or not self._slots.take(queue.origin, failing=failing):
            return False
        task = self._supervisor.watched("delivery queue", self._serve(queue), queue=queue.key)
        self._active[queue.key] = task
        task.add_done_callback(lambda _: self._end(queue))
        return True

    def _end(self, queue: Queue) -> None:
        self._slots.give_back(queue.origin, failing=queue.standing.failures > 0)
        del self._active[queue.key]
        self._wake.set()

    async def _serve(self, queue: Queue) -> None:
        """Send the first messages of a queue in sequence, until one is not delivered."""
        try:
            turn, waiting = await self._ledger.run(lambda db: _load(db, queue))
            self._broken.pop(queue.key, None)
            for message in waiting:
                if self._closing or not await self._deliver_or_set_aside(turn, message):
                    return
        except LedgerError as error:
            # A message may be sent twice, with the same id, rather than never.
            log.warning("deliveries_unavailable", error=str(error))
            await asyncio.sleep(LEDGER_RETRY_SECONDS)
        except Exception as error:  # noqa: BLE001  neither stop the queue permanently nor spin
            self._postpone(queue, error)

    async def _deliver_or_set_aside(self, turn: _Turn, message: Waiting) -> bool:
        """Deliver a message; an unreadable one becomes a dead letter and blocks no other."""
        try:
            return await self._deliver(turn, message)
        except LedgerError:
            raise
        except Exception as error:  # noqa: BLE001  the other messages must not be blocked
            self._supervisor.unreadable("delivery", error, id=message.id)
        now = self._means.wall()
        await self._ledger.run(lambda db: _note(db, turn, message, Fate.DEAD, "unreadable", now))
        self.tally.failed += 1
        self.tally.given_up += 1
        return True

    async def _deliver(self, turn: _Turn, message: Waiting) -> bool:
        """Send one message and store the outcome; False if the next one must wait."""
        body = await self._fitted(message.body, lean=turn.lean)
        answer = await self._post(turn, message.id, body)
        refused = answer.status == TOO_LARGE and not turn.lean
        can_shrink = refused and await self._fitted(message.body, lean=True) != body
        now = self._means.wall()
        standing, fate = settle(
            turn.standing,
            answer,
            self._means.policy,
            now,
            self._means.dice(),
            can_shrink=can_shrink,
        )
        turn.standing = standing
        await self._ledger.run(lambda db: _note(db, turn, message, fate, cause(answer), now))
        self._count(turn.queue, message, fate, answer)
        return fate is Fate.DELIVERED

    async def _fitted(self, body: bytes, *, lean: bool) -> bytes:
        """Return the body, reduced if it is too large, which takes up to 0.1 s in a thread."""
        most = min(self._means.size.most, LEAN_BYTES) if lean else self._means.size.most
        if len(body) <= most:
            return body
        return await asyncio.to_thread(lean_body, body, most, self._means.size.base_url)

    async def _post(self, turn: _Turn, message_id: str, body: bytes) -> Answer:
        signed = self._means.sign(turn.secrets, message_id, int(self._means.wall()), body)
        headers = {"content-type": "application/json", **signed}
        try:
            delivery = Delivery(turn.queue.url, headers, body, turn.queue.owner)
            return await self._means.transport.post(delivery)
        except Exception as error:  # noqa: BLE001  an internal error must not stop the queue
            self._supervisor.failed("delivery transport", error, origin=turn.queue.origin)
            return Answer(None, failure="internal error")

    def _count(self, queue: Queue, message: Waiting, fate: Fate, answer: Answer) -> None:
        """Count and log an outcome; only the origin is logged, since a URL may contain secrets."""
        match fate:
            case Fate.DELIVERED:
                self.tally.delivered += 1
                return
            case Fate.DEAD:
                self.tally.given_up += 1
            case Fate.GONE:
                self.tally.gone += 1
            case _:
                pass
        self.tally.failed += 1
        facts = {"id": message.id, "kind": message.event, "origin": queue.origin}
        log.info("delivery_failed", **facts, cause=cause(answer), fate=fate.name.lower())


def _load(db: sql.Connection, queue: Queue) -> tuple[_Turn, list[Waiting]]:
    """Return the state of a queue with its signing secrets, and its first messages."""
    if queue.secrets is None:
        secrets = callback_secrets(db, queue.owner)
    else:
        secrets = decode_secrets(queue.secrets)
    return _Turn(queue, secrets, queue.standing, queue.lean), queues.page(db, queue.key)


def _note(
    db: sql.Connection, turn: _Turn, message: Waiting, fate: Fate, why: str, now: float
) -> None:
    """Store the outcome of a delivery attempt."""
    key, standing = turn.queue.key, turn.standing
    match fate:
        case Fate.DELIVERED:
            queues.delivered(db, key, message.key, standing)
        case Fate.AGAIN:
            queues.failed(db, key, message.key, standing, why)
        case Fate.LEAN:
            queues.too_large(db, key, message.key, standing)
        case Fate.DEAD:
            queues.given_up(db, key, message.key, standing, why, now)
        case Fate.GONE:
            queues.gone(db, turn.queue, why, now)
