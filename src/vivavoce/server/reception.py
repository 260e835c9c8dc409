"""Admission control: admits new sessions while the machine has capacity, and never evicts one."""

from collections.abc import Iterator
from contextlib import contextmanager

from vivavoce.protocol.errors import ApiError
from vivavoce.protocol.request import InitRequest
from vivavoce.recognition.recogniser import Recogniser
from vivavoce.server.admission import Admission, Newcomer, estimate
from vivavoce.session.ports import Clock
from vivavoce.session.sessions import FailingEngine, Sessions

ENGINE_RETRY_SECONDS = 15


class Reception:
    """Applies the ``Admission`` policy to new sessions.

    Args:
        most: the load up to which sessions are admitted; 0 admits every session.
        failing_engine: returns an engine that a request needs and that cannot start now.
    """

    def __init__(
        self,
        most: float,
        sessions: Sessions,
        recogniser: Recogniser,
        monotonic: Clock,
        failing_engine: FailingEngine = lambda _: None,
    ) -> None:
        self._policy = Admission(most)
        self._sessions = sessions
        self._recogniser = recogniser
        self._monotonic = monotonic
        self._failing_engine = failing_engine
        self._coming: list[Newcomer] = []  # being created, not yet in `sessions`

    @property
    def refused(self) -> int:
        """Sessions refused so far."""
        return self._policy.refused

    @property
    def load(self) -> float:
        """The estimated load; 1 is all the workers' time."""
        recogniser = self._recogniser
        return estimate(recogniser.load(), recogniser.sizes, self._newcomers())

    @contextmanager
    def admit(self, request: InitRequest) -> Iterator[None]:
        """Reserve capacity for a session while it is being created.

        Raises:
            ApiError: 429 if the machine has no capacity; 503 if a required engine cannot start.
        """
        if engine := self._failing_engine(request):
            text = f"the engine {engine} cannot be started; the server keeps trying"
            raise ApiError(503, text, retry_after=ENGINE_RETRY_SECONDS)
        wanted = self.check(request.channels)
        self._coming.append(wanted)
        try:
            yield
        finally:
            self._coming.remove(wanted)

    def check(self, channels: int) -> Newcomer:
        """Check that a session can be admitted; return it as a newcomer.

        Raises:
            ApiError: 429 if the machine has no capacity for it.
        """
        wanted = Newcomer(channels, age=0.0, heard=0.0)
        recogniser = self._recogniser
        load, sizes = recogniser.load(), recogniser.sizes
        if again := self._policy.refuse(wanted, load, sizes, self._newcomers()):
            raise ApiError(429, "the server is working to capacity", retry_after=again)
        return wanted

    def _newcomers(self) -> list[Newcomer]:
        now = self._monotonic()
        return [
            *self._coming,
            *(
                Newcomer(live.format.channels, now - live.known_since, live.heard_seconds)
                for live in self._sessions.newcomers()
            ),
        ]
