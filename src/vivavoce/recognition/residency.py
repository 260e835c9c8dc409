"""Cache of loaded engines within a memory budget.

An engine is loaded as soon as a session that will need it begins, or at the latest when a job
waits for it. Room is made by unloading the least recently used engines: first those that no
session holds, then those that a session holds but that have no work at the moment. A continuously
busy engine is unloaded eventually too, so that two engines that do not fit together alternate
instead of one starving.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass

import structlog

from vivavoce.recognition.pool import WorkerPool
from vivavoce.supervision import Supervisor, stop

log = structlog.get_logger(__name__)

_LOOK = 0.25
"""Seconds between two attempts to find room while an engine is wanted."""
_TURN = 5.0
"""Seconds that a warm engine may work while jobs wait for an engine that it keeps out."""
_RETRY = 5.0
"""Seconds before another attempt when loading an engine or making room for it failed."""
_GRACE = 5.0
"""Seconds that the workers of an unloaded engine get to finish their batches."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Memory budget of the engines.

    Attributes:
        total: megabytes for all engines together; None means no limit.
        costs: megabytes that each engine takes with all its workers.
    """

    total: int | None
    costs: Mapping[str, int]


class Residency:
    """Loads and unloads the pools of a recogniser. Belongs to one event loop.

    Args:
        pools: every engine's pool, in the order in which they are loaded at the start.
        budget: the memory budget.
        is_waited_for: returns whether any job of an engine is awaited.
        clock: monotonic clock, in seconds.
        supervisor: runs the loading and unloading.
    """

    def __init__(
        self,
        pools: Mapping[str, WorkerPool],
        budget: Budget,
        is_waited_for: Callable[[str], bool],
        clock: Callable[[], float],
        supervisor: Supervisor | None = None,
    ) -> None:
        self._pools = pools
        self._budget = budget
        self._is_waited_for = is_waited_for
        self._clock = clock
        self._supervisor = supervisor or Supervisor()
        self._loaded: dict[str, float] = {}  # time of last use
        self._wanted: dict[str, None] = {}  # in order of request
        self._warm: dict[str, float] = {}  # since when, as seen while jobs wait for another
        self._postponed: dict[str, float] = {}  # engines that failed, until when
        self._holders: dict[str, set[str]] = {engine: set() for engine in pools}
        self._news = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    @property
    def loaded(self) -> frozenset[str]:
        """The engines that are loaded or being loaded."""
        return frozenset(self._loaded)

    def fits(self, engines: Collection[str]) -> bool:
        """Return whether these engines may be in memory at the same time."""
        total = self._budget.total
        return total is None or sum(self._budget.costs[each] for each in engines) <= total

    async def start(self) -> None:
        """Start loading the engines that fit, in order, without waiting for them to be ready."""
        for engine in self._pools:
            if self._fits(engine):
                await self._load(engine)
        self._keeper = self._supervisor.supervised("model cache", self._keep)

    async def close(self, grace: float) -> None:
        """Unload all engines permanently."""
        await stop(self._keeper)
        await asyncio.gather(*(pool.close(grace) for pool in self._pools.values()))

    def hold(self, session: str, engine: str) -> None:
        """Load an engine for a session that has begun and will use it."""
        self._holders[engine].add(session)
        self.use(engine)

    def release(self, session: str) -> None:
        """Release all engines that an ended session holds."""
        for holders in self._holders.values():
            holders.discard(session)

    def use(self, engine: str) -> None:
        """Record the use of an engine, or request it: a job was submitted or will be soon."""
        if engine in self._loaded:
            self._loaded[engine] = self._clock()
        else:
            self._wanted.setdefault(engine)
            self._news.set()

    async def _keep(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), _LOOK if self._wanted else None)
            self._news.clear()
            for engine in list(self._wanted):
                if self._postponed.get(engine, 0.0) <= self._clock():
                    await self._try(engine)

    async def _try(self, engine: str) -> None:
        """Load an engine; a failure does not delay other engines and is retried later."""
        try:
            await self._serve(engine)
        except Exception as error:  # noqa: BLE001  reported
            self._supervisor.failed("model cache", error, engine=engine)
            self._postponed[engine] = self._clock() + _RETRY
            self._wanted.setdefault(engine)
        else:
            self._postponed.pop(engine, None)

    async def _serve(self, engine: str) -> None:
        """Load a wanted engine if it fits or room can be made."""
        if not (self._holders[engine] or self._is_waited_for(engine)):
            del self._wanted[engine]
            return
        victims = self._victims(engine)
        if victims is None:
            return
        for victim in victims:
            await self._unload(victim)
        del self._wanted[engine]
        await self._load(engine)

    def _victims(self, engine: str) -> list[str] | None:
        """Return the engines to unload for an engine; None while they do not make enough room."""
        waited_for = self._is_waited_for(engine)
        victims: list[str] = []
        for other in sorted(self._loaded, key=lambda one: (self._is_held(one), self._loaded[one])):
            if self._fits(engine, without=victims):
                break
            held, working = self._is_held(other), self._is_waited_for(other)
            over = waited_for and self._has_had_its_turn(other)
            if over or (not working and (waited_for or not held)):
                victims.append(other)
        return victims if self._fits(engine, without=victims) else None

    def _has_had_its_turn(self, engine: str) -> bool:
        """Return whether an engine has worked long enough or is failing to start."""
        pool, now = self._pools[engine], self._clock()
        if not pool.ready.is_set():
            return pool.health().failing
        return now - self._warm.setdefault(engine, now) > _TURN

    def _fits(self, engine: str, without: list[str] | None = None) -> bool:
        """Return whether an engine fits; an engine above the budget may be loaded alone."""
        rest = [other for other in self._loaded if other not in (without or ())]
        return not rest or self.fits((engine, *rest))

    def _is_held(self, engine: str) -> bool:
        return bool(self._holders[engine])

    async def _load(self, engine: str) -> None:
        self._loaded[engine] = self._clock()
        cost, total = self._budget.costs[engine], self._budget.total
        if total is not None and cost > total:
            log.warning("model_exceeds_memory", engine=engine, megabytes=cost, budget=total)
        try:
            await self._pools[engine].start()
        except BaseException:
            del self._loaded[engine]
            raise

    async def _unload(self, engine: str) -> None:
        log.info("model_unloaded", engine=engine)
        await self._pools[engine].close(_GRACE)
        del self._loaded[engine]
        self._warm.pop(engine, None)
        # If jobs still need it, it is queued again behind the engine that replaces it.
        if self._is_waited_for(engine):
            self._wanted[engine] = None
