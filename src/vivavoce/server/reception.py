"""Lets new sessions in while the machine can take them; those that are in are never asked again."""

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
    """Brings the policy what it must know.

    Args:
        most: the load up to which sessions are let in; 0 lets everybody in.
        failing_engine: names an engine that a request needs and that cannot start now.
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
        self._coming: list[Newcomer] = []  # being made, not yet among the sessions

    @property
    def refused(self) -> int:
        """Sessions refused so far."""
        return self._policy.refused

    @property
    def load(self) -> float:
        """The load as estimated: 1 is all the time that the workers have."""
        recogniser = self._recogniser
        return estimate(recogniser.load(), recogniser.sizes, self._newcomers())

    @contextmanager
    def admit(self, request: InitRequest) -> Iterator[None]:
        """Hold a place for a session while it is being made.

        Raises:
            ApiError: 429, when the machine has no room; 503, when an engine that it needs cannot
                start.
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
        """The session as the policy sees it.

        Raises:
            ApiError: 429, when the machine has no room for it.
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
