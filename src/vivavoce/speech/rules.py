"""Endpointing parameters: fixed ones, and those derived from a session's settings.

Rationale: docs/decisions/0003-voice-activity.md.
"""

from typing import Final, Self

import msgspec

SAMPLE_RATE: Final = 16_000

WINDOW_SAMPLES: Final = 512
"""Samples in one window (32 ms), for which speech is detected."""

CONFIRM_WINDOWS: Final = 3
"""Speech must last about 100 ms: clicks are shorter, and engines invent words for less."""

PRE_ROLL_SAMPLES: Final = 4_800
"""300 ms before the onset: soft consonants begin before the model detects speech, and engines
recognise a first word better if it does not begin at once."""

TAIL_WINDOWS: Final = 2
"""Silent windows (64 ms) that belong to an utterance: word ends fade, and engines recognise a last
word better if the audio does not end at once. Limited to half of the silence that ends the
utterance, so that the rest of it is time for decoding."""

CUT_SEARCH_WINDOWS: Final = 94
"""At the maximum duration, the cut is sought in the last 3 s: a shorter span often contains no gap
between words."""

LOWEST_THRESHOLD: Final = 0.1
"""Below this even digital silence would count as speech."""

ONSET_SHARE: Final = 5 / 6
OFFSET_SHARE: Final = 1 / 2
"""Speech begins at five sixths of the threshold and continues down to half of it: the default of
0.6 becomes 0.5 and 0.3, the lowest pair that detected no speech in any noise, and a threshold of
1 still detects clear speech."""


class EndpointingRules(msgspec.Struct, frozen=True):
    """A session's endpointing settings in the units of the state machine.

    Attributes:
        onset: least probability that counts as speech while there is none.
        offset: least probability that counts as speech during speech.
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
        """Convert settings: two durations in seconds, and the threshold between 0 and 1."""
        threshold = max(speech_threshold, LOWEST_THRESHOLD)
        silence_samples = round(endpointing * SAMPLE_RATE)
        return cls(
            onset=threshold * ONSET_SHARE,
            offset=threshold * OFFSET_SHARE,
            silence_windows=max(1, -(-silence_samples // WINDOW_SAMPLES)),
            maximum_samples=round(maximum_duration * SAMPLE_RATE),
        )
