"""Repetitions: said by a speaker, or made by a decoder that goes round in circles.

A decoder that loops does not listen any more: it writes more words than the audio has sounds. Who
says "seven" twelve times makes twelve sounds. So a repetition is believed as often as the sound
allows. Figures: docs/decisions/0021-no-words-without-speech.md.
"""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vivavoce.recognition.word_times import loudness, sounding

Floats = npt.NDArray[np.float32]

REPEATS = 3
"""A phrase said this often in a row is a repetition."""
REPEATED_WORDS = 3
"""A phrase of this many words is a repetition when it is said twice in a row."""

_SHORTEST = 6
"""Frames of 10 ms; less is no sound of its own …"""
_BRIDGED = 9
"""… and a shorter silence is part of a word: the closure before a final "t" is."""
_FRAMES_OF_A_WORD = 25
"""Frames of sound that each word has when one is said again and again."""
_ALIKE = 0.75
"""From this share of the sounds on, phrases are one sound each."""
_SPARE = 1
"""Words more than sounds: two words may run together."""


@dataclass(frozen=True, slots=True)
class Loop:
    """A phrase that is repeated at the end of a text.

    Attributes:
        period: tokens of the phrase.
        repeated: tokens at the end that equal those a period before them.
    """

    period: int
    repeated: int

    @property
    def tokens(self) -> int:
        """Tokens of the whole repetition."""
        return self.period + self.repeated

    @property
    def times(self) -> int:
        """How often the whole phrase stands there."""
        return self.repeated // self.period + 1


def loop_at_end(tokens: Sequence[int]) -> Loop | None:
    """Find the shortest phrase that a text repeats at its end, if there is one."""
    for period in range(1, len(tokens) // REPEATS + 1):
        repeated = _repeated(tokens, period)
        if repeated >= period * (REPEATS - 1):
            return Loop(period, repeated)
    return None


def without_loop(tokens: Sequence[int], times: int = 1) -> int:
    """Return how many tokens to keep of a text whose repetition at the end is a loop.

    The repeated phrase is kept ``times`` times at most, and at least once.
    """
    loop = loop_at_end(tokens)
    if loop is None or times >= loop.times:
        return len(tokens)
    return len(tokens) - loop.tokens + loop.period * max(times, 1)


def _repeated(tokens: Sequence[int], period: int) -> int:
    """How many tokens at the end equal those a period before them."""
    repeated = 0
    while repeated + period < len(tokens) and (
        tokens[-1 - repeated] == tokens[-1 - repeated - period]
    ):
        repeated += 1
    return repeated


def sounds(audio: Floats) -> int:
    """Count the sounds that silence separates; of words said apart there are at least as many."""
    return len(_stretches(audio))


def _stretches(audio: Floats) -> list[int]:
    """Length of every sound, in frames."""
    sound = np.concatenate(([False], sounding(loudness(audio)), [False]))
    edges = np.flatnonzero(np.diff(sound.astype(np.int8))).reshape(-1, 2)
    joined: list[list[int]] = []
    for start, end in edges.tolist():
        if joined and start - joined[-1][1] <= _BRIDGED:
            joined[-1][1] = end
        else:
            joined.append([start, end])
    return [end - start for start, end in joined if end - start >= _SHORTEST]


def words_said(words: Sequence[str], audio: Floats) -> int:
    """How many words of a text were said that is one word again and again, or twice.

    Each is a sound of its own, or a quarter of a second of sound. Other texts keep all.
    """
    if len(words) < 2 or len(set(_plain(words))) > 1:  # noqa: PLR2004 - twice
        return len(words)
    most = sum(max(stretch // _FRAMES_OF_A_WORD, 1) for stretch in _stretches(audio))
    return min(len(words), max(most, 1))


def times_said(loop: Loop, audio: Floats, *, words: int, phrase: int, ended: bool) -> int:
    """How often the phrase of a loop was said, as far as the sounds tell.

    A phrase of several words may be one sound. A repetition that the model ended itself is believed
    unless there are fewer sounds than phrases, and not even three. One that ran into the limit is
    believed as often as there are sounds for its phrases, or for the words of them if the sounds
    are far more; once if the phrase is long.

    Args:
        loop: the repetition at the end of the text.
        audio: what the text is of.
        words: words before the repetition.
        phrase: words of the phrase.
        ended: the model ended the text itself.
    """
    left = sounds(audio) - words
    if ended:
        return loop.times if left < REPEATS else min(left, loop.times)
    if phrase >= REPEATED_WORDS:
        return 1
    each = 1 if loop.times >= _ALIKE * left else max(phrase, 1)
    return min(left // each, loop.times)


def repeats(words: Sequence[str]) -> bool:
    """Whether a phrase is said twice in a row (a long one), or again and again (any)."""
    plain = _plain(words)
    return any(
        _run(plain, period) >= (2 if period >= REPEATED_WORDS else REPEATS)
        for period in range(1, len(plain) // 2 + 1)
    )


def is_loop(words: Sequence[str], audio: Floats) -> bool:
    """Whether a text repeats itself and has more words than its audio has sounds."""
    return repeats(words) and not fits(len(words), audio)


def fits(words: int, audio: Floats) -> bool:
    """Whether each of so many words can be a sound of its own."""
    return words <= sounds(audio) + _SPARE


def _plain(words: Sequence[str]) -> list[str]:
    return [re.sub(r"\W", "", word).casefold() for word in words]


def _run(words: Sequence[str], period: int) -> int:
    """The most times in a row that a phrase of ``period`` words is said."""
    most = same = 0
    for at in range(period, len(words)):
        same = same + 1 if words[at] == words[at - period] else 0
        most = max(most, same)
    return most // period + 1


def compressibility(text: str) -> float:
    """How much shorter a general compressor makes a text: speech about 1 to 2, loops far more."""
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0
