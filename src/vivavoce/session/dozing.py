"""When silence need not be heard at once: nobody speaks, and no final is due.

A second of it is heard together, in one run of the model while that listens yet; what is not
still is heard at once, with all that came before it. How audio is cut changes no result.
"""

from vivavoce.audio.format import AudioFormat
from vivavoce.audio.stillness import stillness

DOZE_SECONDS = 1.0
"""Silence that is heard together."""


class Dozing:
    """Follows what came and has not been heard.

    Attributes:
        resting: whether silence could change nothing, as of what was heard last.
    """

    def __init__(self, audio: AudioFormat) -> None:
        self.resting = False
        self._is_still = stillness(audio)
        self._most = round(DOZE_SECONDS * audio.bytes_per_second)
        self._waiting = 0
        self._woken = False

    def heard(self) -> None:
        """All that came is being heard."""
        self._waiting = 0
        self._woken = False

    @property
    def still_bytes(self) -> int:
        """Bytes that came and wait because they are still; 0 where others came with them."""
        return 0 if self._woken or not self.resting else self._waiting

    def worth(self, audio: bytes) -> bool:
        """Whether audio that has come must be heard now."""
        self._waiting += len(audio)
        worth = not self.resting or self._waiting >= self._most or not self._is_still(audio)
        self._woken |= worth
        return worth
