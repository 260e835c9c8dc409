"""What the live session needs from outside, as it sees it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from vivavoce.audio.findings import Finding
from vivavoce.journal.port import Journal
from vivavoce.protocol.messages import Message
from vivavoce.recognition.contract import Hypothesis
from vivavoce.recognition.jobs import Job

Result = TypeVar("Result")

Clock = Callable[[], float]
"""Seconds; whether Unix time or monotonic is said where it is used."""


Foresight = Literal["asked", "ready", "under_way", "dropped", "wasted"]
"""What becomes of a foreseen final: it is asked for; then the utterance ends as foreseen, with the
answer there already or not; or it goes on, before the answer was there or after."""


class Client(Protocol):
    """Whoever the session speaks to, now connected or not."""

    @property
    def delivered(self) -> int:
        """Sequence number of the last message that the client has for certain."""
        ...

    def show(self, message: Message) -> None:
        """Pass on a message that may be dropped; does not block."""
        ...

    def report(self, finding: Finding) -> None:
        """Pass on that the audio is most likely not what it was declared to be."""
        ...

    def announcements(self, *messages: Message) -> Sequence[bytes]:
        """What to commit along with these messages, for those who are told outside."""
        ...


class Recogniser(Protocol):
    """Turns spans of speech into text, somewhere else."""

    async def decode(self, job: Job) -> Hypothesis:
        """The hypothesis for a job.

        Raises:
            Superseded: a partial that gave way to something newer.
            DecodeFailedError: the span cannot be decoded.
        """
        ...

    def confirm(self, job: Job) -> None:
        """A job of the kind ``foreseen`` has become a final; whoever awaits it goes on awaiting.

        Does not block. A foreseen job is given up by cancelling its ``decode``. It never raises
        ``Superseded``.
        """
        ...

    def wants_refresh(self, session: str, channel: int, spoken: float) -> bool:
        """Whether a partial of the kind ``refresh_partial`` is due; asked before each is made.

        ``spoken`` is when its last sample was spoken.
        """
        ...

    def prepare(self, session: str, engine: str) -> None:
        """The session will ask for this engine: load it meanwhile, if it is not. Does not block."""
        ...

    def cancel(self, session: str) -> None:
        """The session is over: forget what it asked."""
        ...


class OffTheLoop(Protocol):
    """Does work in a thread."""

    async def run(self, work: Callable[[], Result]) -> Result:
        """What the work returns or raises."""
        ...


@dataclass(frozen=True, slots=True)
class Outside:
    """What a running session works with.

    Attributes:
        hearing: runs the ears, off the event loop.
        wall: Unix time, to date messages.
        monotonic: never goes back, for deadlines.
        took: is told the seconds that each final took, from the end of its utterance to its commit.
        foreseen: is told what became of each foreseen final.
    """

    journal: Journal
    recogniser: Recogniser
    hearing: OffTheLoop
    wall: Clock
    monotonic: Clock
    took: Callable[[float], None] = lambda _: None
    foreseen: Callable[[Foresight], None] = lambda _: None
