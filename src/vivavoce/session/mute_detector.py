"""Distinguishes a silent client from a stalled connection. No I/O.

A connected client that sends no audio for a while is pinged. TCP preserves order: audio sent
before the pong arrives before it. A pong without new audio proves that the connection works and
the client is silent, so an open utterance may end at the last audio received.
"""

from collections import deque
from enum import Enum, auto

RECENT_CHUNKS = 8
"""Number of recent chunks; the longest determines how long a pause between chunks may be."""

CHUNK_MARGIN = 1.5
"""Pause, in durations of that chunk, beyond which the client counts as silent."""

LONGEST_CHUNK_SECONDS = 8.0
"""Upper bound for that chunk: longer chunks are resent audio and say nothing about the pace."""

RETURN_FACTOR = 3.0
"""Silence allowed before a connection's first audio, as a multiple of ``patience``."""

LEAD = 0.1
"""Share of a pause by which the ping precedes its end, and by which audio may follow a pong.

A client that was suspended sends the pong first, and the audio recorded meanwhile right after it.
"""

RETRY_SECONDS = 0.25
"""Delay between an inconclusive pong and the next ping."""


class Action(Enum):
    """What to do next."""

    WAIT = auto()
    """Poll again at ``due``."""
    PING = auto()
    """Ping the client; the caller reports its pong with ``answered``."""
    LISTEN = auto()
    """Do nothing until a pong or new audio arrives."""
    MARK = auto()
    """Mark a break after all received audio; then do nothing until new audio arrives."""


class MuteDetector:
    """Tracks the audio of one connection.

    Args:
        patience: minimum seconds without audio after which a client counts as silent.
        bytes_per_second: byte rate of its audio.
        now: when the connection began; all times are seconds of a monotonic clock.

    Attributes:
        chunk_sizes: sizes in bytes of the latest chunks with audio; the caller appends to it.
        due: when to poll next, after ``Action.WAIT``.
    """

    def __init__(self, patience: float, bytes_per_second: float, now: float) -> None:
        self.chunk_sizes: deque[int] = deque(maxlen=RECENT_CHUNKS)
        self.due = now
        self._patience = patience
        self._longest = round(LONGEST_CHUNK_SECONDS * bytes_per_second)
        self._seconds_per_byte = CHUNK_MARGIN / bytes_per_second
        self._began = now
        self._asked_at: float | None = None
        self._proved: tuple[float, float] | None = None  # times of a pong and its last audio
        self._not_before = now
        self._doubted: float | None = None  # time of the audio after which a pong came late

    def poll(self, now: float, audio_at: float, *, settled: bool, pending: bool) -> Action:
        """Return the action that is due.

        Args:
            now: the current time.
            audio_at: when audio last arrived, on this connection or a previous one.
            settled: no utterance is open, and received audio cannot begin one.
            pending: data has arrived that is not processed yet.
        """
        if self._asked_at is not None:
            return Action.LISTEN
        if self.is_early(now, audio_at):
            return Action.WAIT
        proved = self._proved is not None and self._proved[1] == audio_at
        self._proved = None
        if settled:
            return Action.LISTEN
        if proved:
            return self.retry(now) if pending else Action.MARK
        self._asked_at = now
        return Action.PING

    def is_early(self, now: float, audio_at: float) -> bool:
        """Return whether nothing is due yet, and set ``due`` to the time of the next poll."""
        pause = self._pause(audio_at)
        quiet_at = max(audio_at, self._began) + pause
        if self._proved is not None and self._proved[1] == audio_at:
            quiet_at = max(quiet_at, self._proved[0] + LEAD * pause)
        else:
            quiet_at -= LEAD * pause
        quiet_at = max(quiet_at, self._not_before)
        # Poll at least every ``patience``: after shorter or first chunks ``quiet_at`` is too late.
        self.due = min(quiet_at, now + self._patience)
        return now < quiet_at

    def answered(self, now: float, audio_at: float, *, settled: bool, pending: bool) -> Action:
        """Process a pong and return the next action; the arguments are those of ``poll``."""
        asked_at, self._asked_at = self._asked_at, None
        if asked_at is not None and audio_at < asked_at:
            # A late pong was delayed on its way; audio that the client sends next may be, too.
            late = now - asked_at > self._patience and self._doubted != audio_at
            if late:
                self._doubted = audio_at
            if late or pending:
                return self.retry(now)
            self._proved = now, audio_at
        return self.poll(now, audio_at, settled=settled, pending=pending)

    def retry(self, now: float, delay: float = RETRY_SECONDS) -> Action:
        """Check again after ``delay`` seconds: the pong was inconclusive, or its action failed."""
        self.due = self._not_before = now + delay
        return Action.WAIT

    def _pause(self, audio_at: float) -> float:
        if audio_at <= self._began:
            return RETURN_FACTOR * self._patience
        longest = min(max(self.chunk_sizes, default=0), self._longest)
        return max(self._patience, longest * self._seconds_per_byte)
