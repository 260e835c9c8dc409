"""Whether a text is confirmed by the voice that was heard: the rule against invented words.

A recogniser writes a text for every sound that it is given. Laughter, animals, bells or machines
pass for speech for a moment, but the voice activity model is rarely sure of them for long, and the
recogniser is rarely sure of its words. A text is dropped where both are unsure; neither decides
alone, but where voice activity never came near to certainty.

Voice and text of an utterance are functions of the audio, so that finals stay the same whatever
happens. Figures: docs/decisions/0021-no-words-without-speech.md.
"""

from collections.abc import Iterable
from typing import Self

import msgspec

from vivavoce.recognition.contract import SAMPLE_RATE, Hypothesis
from vivavoce.speech.rules import WINDOW_SAMPLES

DEFAULT_ONSET = 0.5
"""``EndpointingRules.onset`` for which the limits below were measured. A session that asks for
fainter speech has lower limits, in the same proportion."""

SPEECH = 0.3
"""Probability from which a window counts as voice."""
CLEAR = 0.9
"""Probability from which a window counts as clear voice."""


class Voice(msgspec.Struct, frozen=True):
    """How voice activity judged the windows of an utterance.

    Attributes:
        windows: windows of voice.
        total: sum of their probabilities in thousandths, so that the order of adding is no matter.
        clear: windows of clear voice.
    """

    windows: int = 0
    total: int = 0
    clear: int = 0

    @classmethod
    def of(cls, probabilities: Iterable[float], onset: float = DEFAULT_ONSET) -> Self:
        """The voice in some windows, for a session whose speech begins at ``onset``."""
        scale = min(onset / DEFAULT_ONSET, 1.0)
        voiced = [each for each in probabilities if each >= SPEECH * scale]
        return cls(
            len(voiced),
            sum(round(1000 * min(each / scale, 1.0)) for each in voiced),
            sum(each >= CLEAR * scale for each in voiced),
        )

    def __add__(self, other: "Voice") -> "Voice":
        return Voice(
            self.windows + other.windows,
            self.total + other.total,
            self.clear + other.clear,
        )

    def __sub__(self, other: "Voice") -> "Voice":
        return Voice(
            self.windows - other.windows,
            self.total - other.total,
            self.clear - other.clear,
        )

    @property
    def mean(self) -> float:
        """Mean probability of the windows of voice."""
        return self.total / (1000 * self.windows) if self.windows else 0.0


class Doubt(msgspec.Struct, frozen=True):
    """A text is dropped where all three are under these limits."""

    mean: float
    clear: int
    confidence: float


NEVER = 1.01
DOUBTS: tuple[Doubt, ...] = (
    Doubt(0.6, 8, NEVER),
    Doubt(0.7, 3, 0.8),
    Doubt(0.85, 5, 0.6),
    Doubt(0.9, 8, 0.5),
    Doubt(NEVER, 26, 0.28),
)
"""From a voice that is hardly there, whatever the text, to a clear one whose text is a guess."""
DOUBTS_IN_SPEECH: tuple[Doubt, ...] = (
    Doubt(0.5, 8, NEVER),
    Doubt(0.7, 3, 0.5),
    Doubt(0.85, 5, 0.4),
    Doubt(NEVER, 8, 0.2),
)
"""The same shortly after certain speech, which a word more is likely to follow."""

RUSHED = 6.0
"""Words per second of voice: more than anyone says …"""
RUSHED_CONFIDENCE = 0.6
"""… and a text is dropped that has more, if its confidence is under this."""

CERTAIN = Doubt(0.85, 8, 0.5)
"""From these values on, all three, an utterance is certainly speech."""
SHORTLY = 2 * SAMPLE_RATE
"""Samples between the end of certain speech and the next voice."""


def is_certain(answer: Hypothesis | None, voice: Voice) -> bool:
    """Whether somebody certainly spoke."""
    return (
        answer is not None
        and answer.confidence >= CERTAIN.confidence
        and voice.mean >= CERTAIN.mean
        and voice.clear >= CERTAIN.clear
    )


def is_confirmed(answer: Hypothesis, voice: Voice, silence: int | None = None) -> bool:
    """Whether the voice that was heard confirms a text.

    Args:
        answer: the text.
        voice: what was heard.
        silence: samples since the last certain speech; None if there was none.
    """
    shortly = silence is not None and silence <= SHORTLY
    seconds = voice.windows * WINDOW_SAMPLES / SAMPLE_RATE
    words = len(answer.text.split())  # a script without spaces has one, and is never rushed
    if words > max(RUSHED * seconds, 1) and answer.confidence < RUSHED_CONFIDENCE:
        return False
    return not any(
        voice.mean < doubt.mean
        and voice.clear < doubt.clear
        and answer.confidence < doubt.confidence
        for doubt in (DOUBTS_IN_SPEECH if shortly else DOUBTS)
    )


def confirmed(
    answer: Hypothesis | None, voice: Voice, silence: int | None = None
) -> Hypothesis | None:
    """The answer, without its text where the voice does not confirm it."""
    if answer is None or not answer.text or is_confirmed(answer, voice, silence):
        return answer
    return msgspec.structs.replace(
        answer, text="", words=(), confidence=0.0, carries=False, closing=None, continues=False
    )
