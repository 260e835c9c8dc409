"""Ends the open utterances of a client that is connected and has stopped sending audio."""

import asyncio
from collections.abc import Callable
from functools import partial

import structlog

from vivavoce.journal.port import SealedError, UnavailableError
from vivavoce.server.coarse_timers import CoarseTimer, CoarseTimers
from vivavoce.server.websocket.peer import PeerHandle
from vivavoce.session.arrival import Arrival, DroppedError
from vivavoce.session.live import AlreadyStoppedError, Live
from vivavoce.session.mute_detector import Action, MuteDetector

STORAGE_RETRY_SECONDS = 1.0
"""Time until a break that the journal could not store is retried."""

log = structlog.get_logger(__name__)


class MuteWatch:
    """Watches for pauses of one connection, with one timer that runs while audio arrives.

    Args:
        live: the session; its ``mute_finalize`` is the length of a pause.
        arrival: receives the connection's audio and marks breaks after it.
        peer: sends pings.
        busy: whether a received message of the client has not been processed.
        timers: the coarse timers that wake it.
    """

    def __init__(
        self,
        live: Live,
        arrival: Arrival,
        peer: PeerHandle,
        busy: Callable[[], bool],
        timers: CoarseTimers,
    ) -> None:
        self._live = live
        self._arrival = arrival
        self._peer = peer
        self._busy = busy
        self._timers = timers
        self._timer: CoarseTimer | None = None
        self._open = False
        self._detector = self._new_detector()

    def _new_detector(self) -> MuteDetector:
        live = self._live
        return MuteDetector(live.mute_finalize, live.format.bytes_per_second, live.monotonic())

    def start(self) -> None:
        """Start watching: the connection is open."""
        if self._live.mute_finalize:
            self._detector = self._new_detector()
            self._open = True
            self._poll()

    def close(self) -> None:
        """Stop watching: the connection has ended."""
        self._open = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def audio(self, size: int) -> None:
        """Record a chunk of ``size`` bytes from the client."""
        self._detector.chunk_sizes.append(size)
        if self._timer is None and self._open:
            self._poll()

    @property
    def _settled(self) -> bool:
        return self._live.settled and not self._arrival.holding

    def _poll(self) -> None:
        self._timer = None
        if self._open and self._detector.is_early(self._live.monotonic(), self._live.audio_at):
            self._wait()  # the usual case, checked first because it is cheap
        else:
            self._follow(self._detector.poll)

    def _answered(self) -> None:
        self._follow(self._detector.answered)

    def _follow(self, decide: Callable[..., Action]) -> None:
        if not self._open:
            return
        live = self._live
        pending = self._busy() or self._peer.receiving()
        action = decide(live.monotonic(), live.audio_at, settled=self._settled, pending=pending)
        if action is Action.WAIT:
            self._wait()
        elif action is Action.PING:
            self._peer.ask(self._answered)
        elif action is Action.MARK:
            self._mark()

    def _wait(self) -> None:
        if self._timer is None:
            delay = max(self._detector.due - self._live.monotonic(), 0.0)
            self._timer = self._timers.call_later(delay, self._poll)

    def _mark(self) -> None:
        try:
            marked = self._arrival.mark_break()
        except AlreadyStoppedError:
            return
        marked.add_done_callback(partial(self._marked, self._live.audio_at))

    def _marked(self, audio_at: float, marked: asyncio.Future[int]) -> None:
        if marked.cancelled():
            return
        error = marked.exception()
        if error is None:
            log.debug("break_marked", session=self._live.id, position=marked.result())
        elif isinstance(error, UnavailableError):
            log.warning("break_marker_failed", session=self._live.id, error=str(error))
            if self._open and self._live.audio_at == audio_at:
                self._detector.retry(self._live.monotonic(), STORAGE_RETRY_SECONDS)
                self._wait()
        elif not isinstance(error, AlreadyStoppedError | DroppedError | SealedError):
            log.error("break_marker_failed", session=self._live.id, error=repr(error))
