"""Tells a client that is quiet from a line that is stalled. Pure.

A connected client that sends no audio for a while is asked for a pong. TCP keeps order: audio that
it sent before the pong has arrived before it. A pong without new audio proves that the line is
alive and the client quiet, so that an open utterance may end where the audio stands.
"""

from collections import deque
from enum import Enum, auto

RECENT_CHUNKS = 8
"""Chunks whose longest tells how long a client that speaks may be silent between two of them."""

CHUNK_MARGIN = 1.5
"""Silence, in durations of that chunk, that is no pause between two chunks."""

LONGEST_CHUNK_SECONDS = 8.0
"""Longer chunks are audio sent again in one go, and tell nothing of what follows."""

RETURN_FACTOR = 3.0
"""Silence before the first audio of a connection, in pauses: its client has yet to begin."""

LEAD = 0.1
"""Share of a pause by which the ping comes before its end, and by which audio may follow a pong: a
client that was suspended answers first, and sends what it has recorded meanwhile right after it.
"""

RETRY_SECONDS = 0.25
"""Between a pong that decides nothing and the next question."""


class Action(Enum):
    """What to do next."""

    WAIT = auto()
    """Poll again at ``due``."""
    PING = auto()
    """Ping the client; its pong is reported with ``answered``."""
    LISTEN = auto()
    """Nothing, until a pong or new audio comes."""
    MARK = auto()
    """Mark a break behind all audio that has come; then nothing, until new audio comes."""


class MuteDetector:
    """Follows the audio of one connection.

    Args:
        patience: seconds without audio after which a client is asked.
        bytes_per_second: of its audio.
        now: when the connection began; like every instant here, seconds of a monotonic clock.

    Attributes:
        chunk_sizes: bytes of the newest chunks with audio; the caller appends to it.
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
        self._proved: tuple[float, float] | None = None  # when a pong came, and the audio before it
        self._not_before = now
        self._doubted: float | None = None  # the audio after which a pong came late

    def poll(self, now: float, audio_at: float, *, settled: bool, pending: bool) -> Action:
        """Say what is due.

        Args:
            now: the time.
            audio_at: when audio arrived last, on this connection or before it.
            settled: no utterance is open, and none can follow from audio that has arrived.
            pending: something has arrived that has not been looked at.
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
        """Whether nothing can be due yet; ``due`` then says when something may be."""
        pause = self._pause(audio_at)
        quiet_at = max(audio_at, self._began) + pause
        if self._proved is not None and self._proved[1] == audio_at:
            quiet_at = max(quiet_at, self._proved[0] + LEAD * pause)
        else:
            quiet_at -= LEAD * pause
        quiet_at = max(quiet_at, self._not_before)
        # The next chunks may be shorter, or the first: then this would be too late.
        self.due = min(quiet_at, now + self._patience)
        return now < quiet_at

    def answered(self, now: float, audio_at: float, *, settled: bool, pending: bool) -> Action:
        """Say what follows from a pong; the arguments are those of ``poll``."""
        asked_at, self._asked_at = self._asked_at, None
        if asked_at is not None and audio_at < asked_at:
            # A pong that takes so long was held up, and so was what its client has yet to write.
            late = now - asked_at > self._patience and self._doubted != audio_at
            if late:
                self._doubted = audio_at
            if late or pending:
                return self.retry(now)
            self._proved = now, audio_at
        return self.poll(now, audio_at, settled=settled, pending=pending)

    def retry(self, now: float, delay: float = RETRY_SECONDS) -> Action:
        """Ask again after ``delay`` seconds: the last answer decided nothing, or was in vain."""
        self.due = self._not_before = now + delay
        return Action.WAIT

    def _pause(self, audio_at: float) -> float:
        if audio_at <= self._began:
            return RETURN_FACTOR * self._patience
        longest = min(max(self.chunk_sizes, default=0), self._longest)
        return max(self._patience, longest * self._seconds_per_byte)
