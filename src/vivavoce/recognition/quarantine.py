"""Which audio is suspected of killing workers, so that one speaker cannot take down the rest.

A worker that is lost with several jobs in hand convicts none of them: each is decoded alone
from then on. One that is lost with a single job is a strike against it, and the second
strike condemns. Finals, and questions for a language, are judged one by one. The partials of a
channel are judged together, for each holds the audio of the one before: they would kill a worker
every refresh. So is a final that is only foreseen: it is not tried where a partial lost a worker,
nor tried again, before its endpoint is confirmed.
"""

from collections.abc import Collection, Iterable
from typing import TypeAlias

from vivavoce.recognition.jobs import Job, Source

_STRIKES = 2

_Suspect: TypeAlias = Job | Source


class Quarantine:
    """Keeps the strikes. ``forget`` must be called when a session ends."""

    def __init__(self) -> None:
        self._strikes: dict[_Suspect, int] = {}

    def is_suspect(self, job: Job) -> bool:
        """Whether to decode the job alone: it, or its utterance's partials, lost a worker."""
        return job in self._strikes or job.source in self._strikes

    def is_condemned(self, job: Job) -> bool:
        """Whether the job must not be decoded (again)."""
        return self._strikes.get(_suspect(job), 0) >= _STRIKES

    def worker_lost(
        self, jobs: Iterable[Job], *, alone: bool, guesses: Collection[Job] = ()
    ) -> None:
        """Note that a worker died or hung with these jobs in hand, or with the ``alone`` one.

        Those among ``guesses`` are foreseen finals that nothing has confirmed.
        """
        strike = int(alone)
        for job in jobs:
            suspect = job.source if job in guesses else _suspect(job)
            self._strikes[suspect] = self._strikes.get(suspect, 0) + strike

    def release(self, job: Job) -> None:
        """Clear what stands against a job: it was answered, or is of no interest any more."""
        self._strikes.pop(_suspect(job), None)

    def utterance_ended(self, job: Job) -> None:
        """Clear the channel of a final: its next partials are other audio."""
        self._strikes.pop(job.source, None)

    def forget(self, session: str) -> None:
        """Clear all channels of a session."""
        for suspect in [s for s in self._strikes if not isinstance(s, Job) and s[0] == session]:
            del self._strikes[suspect]


def _suspect(job: Job) -> _Suspect:
    return job.source if job.is_partial else job
