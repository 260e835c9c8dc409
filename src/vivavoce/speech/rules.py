"""The numbers endpointing goes by: the house's own, and what a session's settings come to.

Why they are what they are: docs/decisions/0003-voice-activity.md.
"""

from typing import Final, Self

import msgspec

SAMPLE_RATE: Final = 16_000

WINDOW_SAMPLES: Final = 512
"""Speech is judged 32 ms at a time."""

CONFIRM_WINDOWS: Final = 3
"""Speech must last about 100 ms: clicks do not, and recognisers invent words for less."""

PRE_ROLL_SAMPLES: Final = 4_800
"""300 ms before the onset: soft consonants begin before the model is sure, and the recogniser
hears a first word better that does not begin at once."""

TAIL_WINDOWS: Final = 2
"""Silent windows (64 ms) that belong to an utterance: word ends fade, and the recogniser hears a
last word better that does not end at once. Never more than half of the silence that is waited for
anyway, so that what is left of it is time to decode in."""

CUT_SEARCH_WINDOWS: Final = 94
"""At the maximum duration the cut is sought in the last 3 s: less often holds no gap between
words."""

LOWEST_THRESHOLD: Final = 0.1
"""Below this even digital silence would count as speech."""

ONSET_SHARE: Final = 5 / 6
OFFSET_SHARE: Final = 1 / 2
"""Speech begins at five sixths of the threshold and goes on down to half of it: the default of
0.6 becomes 0.5 and 0.3, the lowest pair that heard no speech in any noise, and a threshold of 1
still hears clear speech."""


class EndpointingRules(msgspec.Struct, frozen=True):
    """What a session asked for, in the units of the state machine.

    Attributes:
        onset: probability from which a window counts as speech where there was none.
        offset: probability from which a window counts as speech where there was speech.
        silence_windows: silent windows that end an utterance.
        maximum_samples: longest utterance, counted from its onset.
    """

    onset: float
    offset: float
    silence_windows: int
    maximum_samples: int

    @property
    def tail_windows(self) -> int:
        """Silent windows at the end of an utterance's audio."""
        return min(TAIL_WINDOWS, max(self.silence_windows // 2, 1))

    @classmethod
    def from_settings(
        cls, *, endpointing: float, maximum_duration: float, speech_threshold: float
    ) -> Self:
        """Translate settings: seconds, seconds, and the threshold between 0 and 1."""
        threshold = max(speech_threshold, LOWEST_THRESHOLD)
        silence_samples = round(endpointing * SAMPLE_RATE)
        return cls(
            onset=threshold * ONSET_SHARE,
            offset=threshold * OFFSET_SHARE,
            silence_windows=max(1, -(-silence_samples // WINDOW_SAMPLES)),
            maximum_samples=round(maximum_duration * SAMPLE_RATE),
        )
