"""The door of the sockets: holds handshakes until the policy lets them in."""

import asyncio
from contextlib import suppress

from vivavoce.server.handshakes import Handshakes, Pacing
from vivavoce.server.metrics import Metrics


class Door:
    """Applies ``Handshakes`` on the clock of the event loop that it is first used in."""

    def __init__(self, metrics: Metrics, pacing: Pacing | None = None) -> None:
        self._metrics = metrics
        self._pacing = pacing or Pacing()
        self._policy: Handshakes | None = None
        self._waiting: dict[int, asyncio.Future[bool]] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def enter(self, *, resumes: bool) -> int:
        """Wait for one's turn; 0 is a welcome, more the seconds after which to try again."""
        loop = asyncio.get_running_loop()
        policy = self._policy = self._policy or Handshakes(self._pacing, loop.time())
        begun = loop.time()
        ticket = policy.arrive(begun, resumes=resumes)
        if ticket is None:
            self._metrics.handshakes.labels("refused").inc()
            return policy.retry_after
        turn = self._waiting[ticket] = loop.create_future()
        try:
            if self._timer is None:
                self._decide(policy)
            welcome = await turn
        finally:
            policy.leave(ticket)
            self._waiting.pop(ticket, None)
        self._metrics.handshake_wait.observe(loop.time() - begun)
        self._metrics.handshakes.labels("admitted" if welcome else "refused").inc()
        return 0 if welcome else policy.retry_after

    def _decide(self, policy: Handshakes) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None  # a fault below must not keep the next arrival from deciding again
        verdict = policy.decide(loop.time())
        for tickets, welcome in ((verdict.admitted, True), (verdict.refused, False)):
            for ticket in tickets:
                with suppress(asyncio.InvalidStateError):  # cancelled in this very moment
                    self._waiting[ticket].set_result(welcome)
        wait = policy.wait()
        self._timer = None if wait is None else loop.call_later(wait, self._decide, policy)
