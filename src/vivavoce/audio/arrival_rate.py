"""Compares how fast audio arrives with how fast it plays as declared.

A microphone sends in real time. If a steady sender is faster or slower by exactly the ratio of
two sample rates, the rate (or the number of channels) is declared wrongly. File senders choose
their own speed, so only exact ratios count, and the texts are worded conditionally.
"""

from typing import Final

from vivavoce.audio.findings import Finding
from vivavoce.audio.format import AudioFormat

WINDOW_SECONDS: Final = 10.0
WINDOWS: Final = 2
"""Consecutive windows that must show the same ratio."""

STEADY: Final = 3.0
"""Longest pause between chunks of a steady sender, as a multiple of the mean pause."""

LEAST_CHUNKS: Final = 20

FASTEST_SLOW: Final = 0.55
"""Timers that oversleep explain higher ratios: 31.2 ms instead of 20."""
SLOWEST_FAST: Final = 1.25

SLOW_TOLERANCE: Final = 0.01
FAST_TOLERANCE: Final = 0.003
"""Narrower: a file sent at double speed with sleeps in between drifts out of this range."""

RATES: Final = (8_000, 16_000, 32_000, 44_100, 48_000)


class ArrivalRate:
    """Compares the sizes and arrival times of one session's chunks with its declared rate.

    Times are seconds on a monotonic clock.
    """

    __slots__ = ("_begun", "_count", "_due", "_format", "_last", "_longest", "_seen", "_size")

    def __init__(self, audio: AudioFormat) -> None:
        self._format = audio
        self._seen: list[int] = []
        self._begun = self._last = self._due = float("-inf")
        self._size = self._count = 0
        self._longest = 0.0

    def take(self, size: int, now: float) -> Finding | None:
        """Count a chunk; return a finding once the same wrong ratio has persisted long enough."""
        self._longest = max(self._longest, now - self._last)
        self._last = now
        self._size += size
        self._count += 1
        return None if now < self._due else self._end_window(now)

    def _end_window(self, now: float) -> Finding | None:
        rate = self._rate_of_window(now - self._begun)
        self._restart(now)
        self._seen = [] if rate is None else [*self._seen[-WINDOWS + 1 :], rate]
        if rate is None or self._seen != [rate] * WINDOWS:
            return None
        return Finding("rate", self._text(rate))

    def _restart(self, now: float) -> None:
        self._begun = self._last = now
        self._due = now + WINDOW_SECONDS
        self._size = self._count = 0
        self._longest = 0.0

    def _rate_of_window(self, elapsed: float) -> int | None:
        """Return the known sample rate at which a steady window is real time, if there is one."""
        if self._count < LEAST_CHUNKS or self._longest > STEADY * elapsed / self._count:
            return None
        ratio = self._format.seconds(self._size) / elapsed
        if FASTEST_SLOW < ratio < SLOWEST_FAST:
            return None
        tolerance = SLOW_TOLERANCE if ratio < 1 else FAST_TOLERANCE
        declared = self._format.sample_rate
        close = (rate for rate in RATES if abs(ratio * declared / rate - 1) < tolerance)
        return next(close, None)

    def _text(self, rate: int) -> str:
        declared, channels = self._format.sample_rate, self._format.channels
        ratio = rate / declared
        other = f"sample_rate {rate}"
        if round(ratio * channels) == ratio * channels:
            other += f" or channels {round(ratio * channels)}"
        return (
            f"the audio arrives steadily at {ratio:.3g} times the pace of the declared sample_rate"
            f" {declared} and channels {channels}: if it comes from a microphone, it is probably"
            f" {other} that should be declared"
        )
