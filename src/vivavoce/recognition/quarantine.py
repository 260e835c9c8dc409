"""Detection of audio that crashes workers, so that one speaker cannot affect the others.

When a worker is lost while it decodes several jobs, none of them gets a strike, but each is decoded
alone from then on. When a worker is lost with a single job, the job gets a strike; the second
strike condemns it. Finals and language requests are counted one by one. The partials of a channel
are counted together, because each contains the audio of the previous one and would crash a worker
at every refresh. Unconfirmed speculative finals count with them: until its endpoint is confirmed,
such a final is not tried if a partial of its channel lost a worker, nor retried.
"""

from collections.abc import Collection, Iterable
from typing import TypeAlias

from vivavoce.recognition.jobs import Job, Source

_STRIKES = 2

_Suspect: TypeAlias = Job | Source


class Quarantine:
    """Counts the strikes. ``forget`` must be called when a session ends."""

    def __init__(self) -> None:
        self._strikes: dict[_Suspect, int] = {}

    def is_suspect(self, job: Job) -> bool:
        """Return whether to decode the job alone: it or its utterance's partials lost a worker."""
        return job in self._strikes or job.source in self._strikes

    def is_condemned(self, job: Job) -> bool:
        """Return whether the job must not be decoded, or not again."""
        return self._strikes.get(_suspect(job), 0) >= _STRIKES

    def worker_lost(
        self, jobs: Iterable[Job], *, alone: bool, guesses: Collection[Job] = ()
    ) -> None:
        """Record that a worker died or hung while it decoded these jobs.

        Args:
            jobs: the jobs of its batch that are still awaited.
            alone: whether the batch had a single job.
            guesses: the unconfirmed speculative finals among the jobs.
        """
        strike = int(alone)
        for job in jobs:
            suspect = job.source if job in guesses else _suspect(job)
            self._strikes[suspect] = self._strikes.get(suspect, 0) + strike

    def release(self, job: Job) -> None:
        """Clear the strikes of a job that was answered or is no longer awaited."""
        self._strikes.pop(_suspect(job), None)

    def utterance_ended(self, job: Job) -> None:
        """Clear the channel of a final, whose next partials contain other audio."""
        self._strikes.pop(job.source, None)

    def forget(self, session: str) -> None:
        """Clear all channels of a session."""
        for suspect in [s for s in self._strikes if not isinstance(s, Job) and s[0] == session]:
            del self._strikes[suspect]


def _suspect(job: Job) -> _Suspect:
    return job.source if job.is_partial else job
