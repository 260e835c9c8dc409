"""Endpoints that answer as scripted, and a dispatcher that sends to them in virtual time.

The queues are the real ones, in a database in memory; what is asked of it is done at once.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Any, TypeVar, cast

import sqlalchemy as sql

from vivavoce.delivery import intake, letters
from vivavoce.delivery.announcement import Announcement, encode
from vivavoce.delivery.dispatcher import Dispatcher, Means, Size
from vivavoce.delivery.letters import Choice, DeadLetter
from vivavoce.delivery.port import Answer, Delivery
from vivavoce.delivery.schedule import Policy
from vivavoce.delivery.slots import Slots
from vivavoce.delivery.tables import tables
from vivavoce.journal.port import Announced
from vivavoce.supervision import Supervisor

Result = TypeVar("Result")
OK = Answer(200)


@dataclass(frozen=True)
class Step:
    """One answer, and how long it takes."""

    answer: Answer = OK
    seconds: float = 0.01


@dataclass(frozen=True)
class Try:
    """One request as an endpoint saw it; ``began`` and ``ended`` are Unix times."""

    url: str
    id: str
    body: bytes
    began: float
    ended: float | None
    answer: Answer | None


Behaviour = Callable[[str, float], Step]
"""What an endpoint does with a request to a URL that comes at a time."""


class InlineLedger:
    """The ledger's face on a database in memory."""

    def __init__(self) -> None:
        self._engine = sql.create_engine("sqlite://", poolclass=sql.StaticPool)
        tables.create_all(self._engine)

    async def run(self, work: Callable[[sql.Connection], Result]) -> Result:
        await asyncio.sleep(0)
        return self.do(work)

    def do(self, work: Callable[[sql.Connection], Result]) -> Result:
        with self._engine.begin() as db:
            return work(db)

    def close(self) -> None:
        self._engine.dispose()


@dataclass
class World:
    """A ledger, endpoints, and the record of all that went between them."""

    behaviour: Behaviour
    policy: Policy = field(default_factory=Policy)
    seed: int = 0
    slots: Callable[[], Slots] = Slots
    most: int = 1 << 20
    supervisor: Supervisor = field(default_factory=Supervisor)
    ledger: InlineLedger = field(default_factory=InlineLedger)
    tries: list[Try] = field(default_factory=list)
    announced: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    at_once: Counter[str] = field(default_factory=Counter)
    most_at_once: int = 0
    _number: int = 0

    def __post_init__(self) -> None:
        self._dice = Random(self.seed)
        self.dispatcher: Dispatcher
        self._running: asyncio.Task[None] | None = None

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def post(self, delivery: Delivery) -> Answer:
        step = self.behaviour(delivery.url, self.now)
        began, ended, answer = self.now, None, None
        self.at_once[delivery.url] += 1
        self.most_at_once = max(self.most_at_once, self.at_once.total())
        try:
            await asyncio.sleep(step.seconds)
            ended, answer = self.now, step.answer
        finally:
            self.at_once[delivery.url] -= 1
            name = delivery.headers["webhook-id"]
            self.tries.append(Try(delivery.url, name, delivery.body, began, ended, answer))
        return step.answer

    def announce(self, session: str, url: str | None, *messages: bytes, **more: Any) -> None:
        """Take over what a session announces."""
        block = []
        for message in messages:
            self._number += 1
            lifecycle = more.get("lifecycle", False)
            announcement = Announcement(session, "me", message, url, lifecycle)
            block.append(Announced(self._number, encode(announcement)))
            if url is not None:
                self.announced[session, url].append(f"msg_{session}_{self._number}")
        now = self.now
        self.ledger.do(lambda db: intake.take(db, block, now))
        if self._running is not None:
            self.dispatcher.wake()

    def start(self) -> None:
        """Begin to send, as a process does."""
        means = Means(
            transport=self,
            sign=_signed,
            policy=self.policy,
            size=Size(self.most, "https://speech.example"),
            wall=asyncio.get_running_loop().time,
            dice=self._dice.random,
        )
        self.dispatcher = Dispatcher(
            cast("Any", self.ledger), means, self.slots(), poll=86_400, supervisor=self.supervisor
        )
        self._running = asyncio.create_task(self.dispatcher.run())

    async def kill(self) -> None:
        """End the process at this instant: nothing that is under way is noted."""
        if self._running is not None:
            tasks = [self._running, *self.dispatcher._active.values()]  # noqa: SLF001  a kill takes everything
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._running = None

    async def until_quiet(self) -> None:
        """Wait until nothing waits any more."""
        pause = 1.0
        while self.waiting():
            await asyncio.sleep(pause)
            pause = min(2 * pause, 3600.0)

    def waiting(self) -> int:
        return int(self.ledger.do(letters.outstanding).waiting)

    def dead(self) -> Sequence[DeadLetter]:
        return self.ledger.do(lambda db: letters.dead_letters(db, Choice(), 10_000))

    def arrived(self, url: str, session: str) -> list[str]:
        """Ids that a session's endpoint has taken, each once, in the order of their arrival."""
        took = [
            one.id
            for one in sorted(self._of(url, session), key=lambda one: one.ended or 0.0)
            if one.answer is not None and one.answer.status in range(200, 300)
        ]
        return list(dict.fromkeys(took))

    def check(self) -> None:
        """The promises, over everything that was ever announced and tried."""
        dead = {letter.id for letter in self.dead()}
        for (session, url), ids in self.announced.items():
            tries = self._of(url, session)
            self._check_one_at_a_time(tries)
            self._check_order(ids, tries, dead)
            arrived = self.arrived(url, session)
            assert arrived == [one for one in ids if one in arrived], "out of order"
            lost = set(ids) - set(arrived) - dead
            assert not lost or self.waiting(), f"lost: {lost}"
            bodies: Mapping[str, set[bytes]] = defaultdict(set)
            for one in tries:
                bodies[one.id].add(one.body)
            assert all(len(kinds) == 1 for kinds in bodies.values()), "a try changed the body"

    def _of(self, url: str, session: str) -> list[Try]:
        return [one for one in self.tries if one.url == url and f"_{session}_" in one.id]

    def _check_one_at_a_time(self, tries: Sequence[Try]) -> None:
        ordered = sorted(tries, key=lambda one: one.began)
        for before, after in pairwise(ordered):
            assert before.ended is None or before.ended <= after.began, "two at the same time"

    def _check_order(self, ids: Sequence[str], tries: Sequence[Try], dead: set[str]) -> None:
        """A message is tried only when every one before it has arrived or been given up."""
        done: set[str] = set(dead)
        for one in sorted(tries, key=lambda one: one.began):
            before = ids[: ids.index(one.id)]
            assert done.issuperset(before), f"{one.id} went before its turn"
            if one.answer is not None and one.answer.status in range(200, 300):
                done.add(one.id)


def _signed(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> Any:
    del secrets, timestamp, body
    return {"webhook-id": message_id}


@contextmanager
def world(behaviour: Behaviour, **more: Any) -> Iterator[World]:
    """A world, and its end."""
    made = World(behaviour, **more)
    with closing(made.ledger):
        yield made
