"""Interfaces of the components that a live session depends on."""

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
"""Returns seconds, as Unix time or monotonic time; each use states which."""


Foresight = Literal["asked", "ready", "under_way", "dropped", "wasted"]
"""Event of a speculative final.

It is requested (``asked``). Then the utterance either ends as predicted, with the result available
(``ready``) or not yet (``under_way``), or it continues, before the result was available
(``dropped``) or after (``wasted``).
"""


class Client(Protocol):
    """The client of a session, connected or not."""

    @property
    def delivered(self) -> int:
        """Sequence number of the last message that the client has certainly received."""
        ...

    def show(self, message: Message) -> None:
        """Send a message that may be dropped; does not block."""
        ...

    def report(self, finding: Finding) -> None:
        """Report that the audio most likely differs from the declared format."""
        ...

    def announcements(self, *messages: Message) -> Sequence[bytes]:
        """Return what to commit with these messages, for callbacks and webhooks."""
        ...


class Recogniser(Protocol):
    """Decodes spans of speech outside the session."""

    async def decode(self, job: Job) -> Hypothesis:
        """Return the hypothesis for a job.

        Raises:
            Superseded: the job is a partial that was replaced by newer work.
            DecodeFailedError: the span cannot be decoded.
        """
        ...

    def confirm(self, job: Job) -> None:
        """Turn a job of the kind ``foreseen`` into a final; its ``decode`` continues.

        Does not block. To abandon a foreseen job, cancel its ``decode``. A foreseen job never
        raises ``Superseded``.
        """
        ...

    def wants_refresh(self, session: str, channel: int, spoken: float) -> bool:
        """Return whether a ``refresh_partial`` is due; called before each is requested.

        ``spoken`` is the monotonic time when its last sample was spoken.
        """
        ...

    def prepare(self, session: str, engine: str) -> None:
        """Load an engine that the session will need, if it is not loaded. Does not block."""
        ...

    def cancel(self, session: str) -> None:
        """Cancel all jobs of a session that is over."""
        ...


class OffTheLoop(Protocol):
    """Runs functions in a thread."""

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run a function in the thread; return or raise what it does."""
        ...


@dataclass(frozen=True, slots=True)
class Outside:
    """Dependencies of a running session.

    Attributes:
        hearing: runs audio front ends off the event loop.
        wall: Unix time, to date messages.
        monotonic: monotonic time, for deadlines.
        took: receives the seconds that each final took, from its request, or from its confirmation
            if speculative, to its commit.
        foreseen: receives the events of each speculative final.
    """

    journal: Journal
    recogniser: Recogniser
    hearing: OffTheLoop
    wall: Clock
    monotonic: Clock
    took: Callable[[float], None] = lambda _: None
    foreseen: Callable[[Foresight], None] = lambda _: None
