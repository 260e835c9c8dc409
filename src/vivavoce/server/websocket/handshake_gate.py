"""The gate of the WebSocket endpoint: holds handshakes until the policy admits them."""

import asyncio
from collections.abc import Hashable
from contextlib import suppress

from vivavoce.server.metrics import Metrics
from vivavoce.server.websocket.handshake_policy import HandshakePolicy, Pacing


class HandshakeGate:
    """Applies ``HandshakePolicy`` with the clock of the event loop of its first use."""

    def __init__(self, metrics: Metrics, pacing: Pacing | None = None) -> None:
        self._metrics = metrics
        self._pacing = pacing or Pacing()
        self._policy: HandshakePolicy | None = None
        self._waiting: dict[int, asyncio.Future[bool]] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def enter(self, token: Hashable, *, resumes: bool) -> int:
        """Wait for admission.

        Returns:
            0 once it is admitted, or the seconds after which to retry.
        """
        loop = asyncio.get_running_loop()
        policy = self._policy = self._policy or HandshakePolicy(self._pacing, loop.time())
        begun = loop.time()
        arrival = policy.arrive(begun, token, resumes=resumes)
        if arrival.superseded is not None:
            self._answer(arrival.superseded, admitted=False)
        ticket = arrival.ticket
        if ticket is None:
            self._metrics.handshakes.labels("refused").inc()
            return policy.retry_after
        turn = self._waiting[ticket] = loop.create_future()
        try:
            self._decide_in_time(policy)
            admitted = await turn
        finally:
            policy.leave(ticket)
            self._waiting.pop(ticket, None)
        self._metrics.handshake_wait.observe(loop.time() - begun)
        self._metrics.handshakes.labels("admitted" if admitted else "refused").inc()
        return 0 if admitted else policy.retry_after

    def _answer(self, ticket: int, *, admitted: bool) -> None:
        turn = self._waiting.get(ticket)
        if turn is not None:
            with suppress(asyncio.InvalidStateError):  # cancelled in this iteration of the loop
                turn.set_result(admitted)

    def _decide_in_time(self, policy: HandshakePolicy) -> None:
        """Decide now, or at the time that the policy requires after an arrival."""
        if self._timer is None:
            self._decide(policy)
            return
        loop = asyncio.get_running_loop()
        wait = policy.wait()
        if wait is not None and loop.time() + wait < self._timer.when():
            self._timer.cancel()
            self._timer = loop.call_later(wait, self._decide, policy)

    def _decide(self, policy: HandshakePolicy) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None  # after an error below, the next arrival must decide again
        verdict = policy.decide(loop.time())
        for ticket in verdict.admitted:
            self._answer(ticket, admitted=True)
        for ticket in verdict.refused:
            self._answer(ticket, admitted=False)
        wait = policy.wait()
        self._timer = None if wait is None else loop.call_later(wait, self._decide, policy)
