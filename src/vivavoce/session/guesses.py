"""Foreseen finals under way outside the core: who awaits them, what became of them."""

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
    """The foreseen finals of one session that are not answered yet.

    All methods are called by whoever has the session's turn, so that no answer is on its way into
    the core meanwhile.
    """

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._under_way: dict[Decode, _Guess] = {}
        self._leaving: list[float] = []  # when those that leave now were confirmed

    def begin(self, request: Decode, job: Job, task: asyncio.Task[None]) -> None:
        """A foreseen final has been asked for."""
        self._under_way[request] = _Guess(job, task)
        self._outside.foreseen("asked")

    def answered(self, request: Decode) -> None:
        """The core gets the answer, or hears of the failure."""
        guess = self._under_way.pop(request, None)
        if guess is not None and guess.confirmed_at is not None:
            self._leaving.append(guess.confirmed_at)

    def confirm(self, effect: Confirm) -> None:
        """Its utterance has ended: its answer, if it has not come, is wanted as a final."""
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
        """Its utterance goes on: nobody waits for it any more."""
        guess = self._under_way.pop(effect.request, None)
        if guess is None:
            self._outside.foreseen("wasted")
            return
        guess.task.cancel()
        self._outside.foreseen("dropped")

    def committed(self) -> None:
        """The finals that were to leave are durable."""
        for confirmed_at in self._leaving:
            self._outside.took(self._outside.monotonic() - confirmed_at)
        self._leaving.clear()
