"""Speculative finals in progress outside the core: their jobs, tasks and outcomes."""

import asyncio
from dataclasses import dataclass

from vivavoce.recognition.jobs import Job
from vivavoce.session.effects import Abandon, Confirm, Decode
from vivavoce.session.ports import Outside


@dataclass(slots=True)
class _Guess:
    job: Job
    task: asyncio.Task[None]
    confirmed_at: float | None = None


class Guesses:
    """The speculative finals of one session that are not answered yet.

    Callers hold the session's lock, so that no answer enters the core at the same time.
    """

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._under_way: dict[Decode, _Guess] = {}
        self._leaving: list[float] = []  # times of confirmation of the finals to be committed

    def begin(self, request: Decode, job: Job, task: asyncio.Task[None]) -> None:
        """Add a speculative final that has been requested."""
        self._under_way[request] = _Guess(job, task)
        self._outside.foreseen("asked")

    def answered(self, request: Decode) -> None:
        """Remove a request whose answer or failure is passed to the core."""
        guess = self._under_way.pop(request, None)
        if guess is not None and guess.confirmed_at is not None:
            self._leaving.append(guess.confirmed_at)

    def confirm(self, effect: Confirm) -> None:
        """Confirm a speculative final; if it is not answered yet, its job becomes a final's."""
        now = self._outside.monotonic()
        guess = self._under_way.get(effect.request)
        if guess is None:
            self._leaving.append(now)
            self._outside.foreseen("ready")
            return
        guess.confirmed_at = now
        self._outside.recogniser.confirm(guess.job)
        self._outside.foreseen("under_way")

    def abandon(self, effect: Abandon) -> None:
        """Cancel a speculative final, because its utterance continues."""
        guess = self._under_way.pop(effect.request, None)
        if guess is None:
            self._outside.foreseen("wasted")
            return
        guess.task.cancel()
        self._outside.foreseen("dropped")

    def committed(self) -> None:
        """Report how long the confirmed finals took, now that they are durable."""
        for confirmed_at in self._leaving:
            self._outside.took(self._outside.monotonic() - confirmed_at)
        self._leaving.clear()
