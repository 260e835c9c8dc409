"""Hallucination filter: check that voice activity confirms a recognised text.

A recogniser produces text for every sound. Laughter, animals, bells or machines may briefly pass
for speech, but the voice activity model rarely reports high probabilities for long, and the
recogniser rarely reports a high confidence. A text is dropped if both are low. Neither decides
alone, except where voice activity stays far from certain.

Voice activity and text of an utterance are functions of the audio, so finals are reproducible.
Figures: docs/decisions/0021-no-words-without-speech.md.
"""

from collections.abc import Iterable
from typing import Self

import msgspec

from vivavoce.recognition.contract import SAMPLE_RATE, Hypothesis
from vivavoce.speech.rules import WINDOW_SAMPLES

DEFAULT_ONSET = 0.5
"""``EndpointingRules.onset`` for which the limits below were measured.

A session with a lower onset has proportionally lower limits.
"""

SPEECH = 0.3
"""Probability from which a window counts as voice."""
CLEAR = 0.9
"""Probability from which a window counts as clear voice."""


class Voice(msgspec.Struct, frozen=True):
    """Summary of voice activity over the windows of an utterance.

    Attributes:
        windows: number of windows of voice.
        total: sum of their probabilities in thousandths, an integer so that the order of addition
            does not matter.
        clear: number of windows of clear voice.
    """

    windows: int = 0
    total: int = 0
    clear: int = 0

    @classmethod
    def of(cls, probabilities: Iterable[float], onset: float = DEFAULT_ONSET) -> Self:
        """Return the voice activity of windows, for a session whose speech begins at ``onset``."""
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
        """Mean probability of the windows of voice; 0 without any."""
        return self.total / (1000 * self.windows) if self.windows else 0.0


class Doubt(msgspec.Struct, frozen=True):
    """Limits of mean, clear and confidence; a text is dropped if it is below all three."""

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
"""From barely any voice activity, whatever the text, to clear voice with an unlikely text."""
DOUBTS_IN_SPEECH: tuple[Doubt, ...] = (
    Doubt(0.5, 8, NEVER),
    Doubt(0.7, 3, 0.5),
    Doubt(0.85, 5, 0.4),
    Doubt(NEVER, 8, 0.2),
)
"""The limits shortly after certain speech, where a further word is likely."""

RUSHED = 6.0
"""Maximum plausible number of words per second of voice."""
RUSHED_CONFIDENCE = 0.6
"""Confidence below which a text with more words per second than ``RUSHED`` is dropped."""

CERTAIN = Doubt(0.85, 8, 0.5)
"""Minimum values, all three required, for an utterance to be certain speech."""
SHORTLY = 2 * SAMPLE_RATE
"""Maximum samples from the end of certain speech to the next voice for ``DOUBTS_IN_SPEECH``."""


def is_certain(answer: Hypothesis | None, voice: Voice) -> bool:
    """Return whether an utterance is certainly speech."""
    return (
        answer is not None
        and answer.confidence >= CERTAIN.confidence
        and voice.mean >= CERTAIN.mean
        and voice.clear >= CERTAIN.clear
    )


def is_confirmed(answer: Hypothesis, voice: Voice, silence: int | None = None) -> bool:
    """Return whether voice activity confirms a text.

    Args:
        answer: the hypothesis with the text.
        voice: voice activity of the utterance.
        silence: samples since the last certain speech; None if there was none.
    """
    shortly = silence is not None and silence <= SHORTLY
    seconds = voice.windows * WINDOW_SAMPLES / SAMPLE_RATE
    words = len(answer.text.split())  # 1 in a script without spaces, which is never rushed
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
    """Return the answer, without its text if voice activity does not confirm it."""
    if answer is None or not answer.text or is_confirmed(answer, voice, silence):
        return answer
    return msgspec.structs.replace(
        answer, text="", words=(), confidence=0.0, carries=False, closing=None, continues=False
    )
