"""Repetitions, either spoken or produced by a looping decoder.

A looping decoder ignores the audio and writes more words than the audio has sounds. A speaker who
says "seven" twelve times makes twelve sounds. So a phrase is kept at most as often as the sounds
allow. Figures: docs/decisions/0021-no-words-without-speech.md.
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
"""A phrase that occurs this many times in a row is a repetition."""
REPEATED_WORDS = 3
"""A phrase of at least this many words is a repetition if it occurs twice in a row."""

_SHORTEST = 6
"""Shortest separate sound, in frames of 10 ms."""
_BRIDGED = 9
"""Longest silence within a word, in frames, such as the closure before a final "t"."""
_FRAMES_OF_A_WORD = 25
"""Frames of sound per word when one word is repeated without pauses."""
_ALIKE = 0.75
"""If there are at least this many phrases per sound, each phrase is one sound."""
_SPARE = 1
"""Allowed excess of words over sounds: two words may run together."""


@dataclass(frozen=True, slots=True)
class Loop:
    """A phrase that is repeated at the end of a text.

    Attributes:
        period: tokens of the phrase.
        repeated: tokens at the end that equal the tokens one period earlier.
    """

    period: int
    repeated: int

    @property
    def tokens(self) -> int:
        """Tokens of the whole repetition."""
        return self.period + self.repeated

    @property
    def times(self) -> int:
        """Number of complete occurrences of the phrase."""
        return self.repeated // self.period + 1


def loop_at_end(tokens: Sequence[int]) -> Loop | None:
    """Return the shortest phrase that a text repeats at its end, if there is one."""
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
    """Return how many tokens at the end equal the tokens one period earlier."""
    repeated = 0
    while repeated + period < len(tokens) and (
        tokens[-1 - repeated] == tokens[-1 - repeated - period]
    ):
        repeated += 1
    return repeated


def sounds(audio: Floats) -> int:
    """Count the sounds that silence separates; words with pauses between are one or more each."""
    return len(_stretches(audio))


def _stretches(audio: Floats) -> list[int]:
    """Return the length of every sound, in frames."""
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
    """Return how many words were spoken of a text that consists of one repeated word.

    Each spoken word is a sound of its own or a quarter of a second of sound. Other texts keep all
    their words.
    """
    if len(words) < 2 or len(set(_plain(words))) > 1:  # noqa: PLR2004 - twice
        return len(words)
    most = sum(max(stretch // _FRAMES_OF_A_WORD, 1) for stretch in _stretches(audio))
    return min(len(words), max(most, 1))


def times_said(loop: Loop, audio: Floats, *, words: int, phrase: int, ended: bool) -> int:
    """Estimate from the sounds how often the phrase of a loop was spoken.

    A phrase of several words may be one sound. If the model ended the text itself, the repetition
    is kept whole if fewer than three sounds are left for it, and otherwise at most as often as
    there are sounds. If the text reached the length limit, the phrase is kept as often as there
    are sounds for it, or for its words if there are many more sounds than phrases; a long phrase
    is kept once.

    Args:
        loop: the repetition at the end of the text.
        audio: the audio of the text.
        words: number of words before the repetition.
        phrase: number of words of the phrase.
        ended: whether the model ended the text itself.
    """
    left = sounds(audio) - words
    if ended:
        return loop.times if left < REPEATS else min(left, loop.times)
    if phrase >= REPEATED_WORDS:
        return 1
    each = 1 if loop.times >= _ALIKE * left else max(phrase, 1)
    return min(left // each, loop.times)


def repeats(words: Sequence[str]) -> bool:
    """Return whether a phrase occurs three times in a row, or a long one twice."""
    plain = _plain(words)
    return any(
        _run(plain, period) >= (2 if period >= REPEATED_WORDS else REPEATS)
        for period in range(1, len(plain) // 2 + 1)
    )


def is_loop(words: Sequence[str], audio: Floats) -> bool:
    """Return whether a text repeats itself and has more words than its audio has sounds."""
    return repeats(words) and not fits(len(words), audio)


def fits(words: int, audio: Floats) -> bool:
    """Return whether the audio has enough sounds for this number of words."""
    return words <= sounds(audio) + _SPARE


def _plain(words: Sequence[str]) -> list[str]:
    return [re.sub(r"\W", "", word).casefold() for word in words]


def _run(words: Sequence[str], period: int) -> int:
    """Return the longest run of consecutive occurrences of a phrase of ``period`` words."""
    most = same = 0
    for at in range(period, len(words)):
        same = same + 1 if words[at] == words[at - period] else 0
        most = max(most, same)
    return most // period + 1


def compressibility(text: str) -> float:
    """Return the zlib compression ratio of a text: about 1 to 2 for speech, far more for loops."""
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0
