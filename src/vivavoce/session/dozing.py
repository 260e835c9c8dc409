"""Batch silence while no speech is in progress and no final is pending.

Silence is processed in one-second batches. Other audio is processed immediately, together with all
audio that was held before it. How audio is split changes no result.
"""

from vivavoce.audio.format import AudioFormat
from vivavoce.audio.stillness import stillness

DOZE_SECONDS = 1.0
"""Seconds of silence that are processed in one batch."""


class Dozing:
    """Track the audio that has arrived and is not processed yet.

    Attributes:
        resting: whether silence could change nothing, as of the last processed audio.
    """

    def __init__(self, audio: AudioFormat) -> None:
        self.resting = False
        self._is_still = stillness(audio)
        self._most = round(DOZE_SECONDS * audio.bytes_per_second)
        self._waiting = 0
        self._woken = False

    def heard(self) -> None:
        """Record that all audio that has arrived is being processed."""
        self._waiting = 0
        self._woken = False

    @property
    def still_bytes(self) -> int:
        """Number of held bytes of silence; 0 if other audio arrived with them."""
        return 0 if self._woken or not self.resting else self._waiting

    def worth(self, audio: bytes) -> bool:
        """Add audio that has arrived; return whether it must be processed now."""
        self._waiting += len(audio)
        worth = not self.resting or self._waiting >= self._most or not self._is_still(audio)
        self._woken |= worth
        return worth
