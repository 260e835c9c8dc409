"""Locates words between pauses, a recording's short answers, by energy and word times."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jiwer
import numpy as np
import numpy.typing as npt

from accuracy.scoring import normalizer
from vivavoce.recognition.contract import SAMPLE_RATE, SpokenWord

Floats = npt.NDArray[np.float32]

FRAME = SAMPLE_RATE // 100
PAUSE = 25
"""Least gap between words, in frames of 10 ms; shorter gaps are within words."""
SHORTEST_PAUSE = 8
"""The same between words whose number is known."""
LEAST = 8
"""Least frames of a word; shorter sounds are not words."""
ABOVE_NOISE = 12.0
BELOW_SPEECH = 30.0
"""Decibels: sound is that much above the quietest frames and at most that much below the loudest;
the first is at most half of the range."""
MARGIN = 4
"""Frames around an island that are included in it."""
MOST_WORDS = 3
NOISE = 30
"""Frames of the quietest span, from which silence is built."""


@dataclass(frozen=True, slots=True)
class Island:
    """Sound between two pauses; frames."""

    start: int
    end: int


def loudness(samples: Floats) -> npt.NDArray[np.float64]:
    """Return the level of each frame in decibels."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME).astype(np.float64)
    return np.asarray(10 * np.log10(np.mean(frames**2, axis=1) + 1e-10))


def islands(decibels: npt.NDArray[np.float64], pause: int = PAUSE) -> list[Island]:
    """Return sounds with a pause of that many frames on either side."""
    low, high = np.percentile(decibels, [10, 99])
    sounding = decibels > max(low + min(ABOVE_NOISE, (high - low) / 2), high - BELOW_SPEECH)
    found: list[Island] = []
    for at in np.flatnonzero(sounding):
        if found and at - found[-1].end < pause:
            found[-1] = Island(found[-1].start, int(at) + 1)
        else:
            found.append(Island(int(at), int(at) + 1))
    return [each for each in found if each.end - each.start >= LEAST]


def quietest(decibels: npt.NDArray[np.float64]) -> Island:
    """Return the quietest span."""
    length = min(NOISE, len(decibels))
    sums = np.convolve(10 ** (decibels / 10), np.ones(length), "valid")
    start = int(np.argmin(sums))
    return Island(start, start + length)


def one_each(words: Sequence[str], decibels: npt.NDArray[np.float64]) -> list[tuple[Island, str]]:
    """Split a recording of single words, with the longest pause that yields that many islands."""
    for pause in range(PAUSE, SHORTEST_PAUSE - 1, -1):
        found = islands(decibels, pause)
        if len(words) == len(found):
            return list(zip(found, words, strict=True))
    return []


def answers(
    words: Sequence[str], heard: Sequence[SpokenWord], found: Sequence[Island]
) -> Iterator[tuple[Island, str]]:
    """Yield islands that contain one to three words of the text.

    The words in an island and next to it must be recognised correctly; otherwise its content is
    unknown.
    """
    places = _places(words, heard)
    for island in found:
        inside = [at for at, word in enumerate(heard) if _middle_in(word, island)]
        if not inside or not 1 <= len(inside) <= MOST_WORDS:
            continue
        near = range(max(inside[0] - 1, 0), min(inside[-1] + 2, len(heard)))
        texts = [places.get(at) for at in near]
        if None in texts:
            continue
        known = [at for at in texts if at is not None]
        starts = known[0] == 0 or inside[0] > 0
        ends = known[-1] == len(words) - 1 or inside[-1] < len(heard) - 1
        if starts and ends and known == list(range(known[0], known[0] + len(known))):
            yield island, " ".join(words[places[at]] for at in inside)


def _middle_in(word: SpokenWord, island: Island) -> bool:
    middle = (word.start + word.end) // 2 // FRAME
    return island.start - MARGIN <= middle < island.end + MARGIN


def _places(words: Sequence[str], heard: Sequence[SpokenWord]) -> dict[int, int]:
    """Map each correctly recognised word to its word in the text."""
    normal = normalizer("en", "read")

    def plain(texts: Sequence[str]) -> str:
        return " ".join("".join(normal(text).split()) or "-" for text in texts)

    if not words or not heard:
        return {}
    (chunks,) = jiwer.process_words(plain(words), plain([each.text for each in heard])).alignments
    return {
        chunk.hyp_start_idx + step: chunk.ref_start_idx + step
        for chunk in chunks
        if chunk.type == "equal"
        for step in range(chunk.ref_end_idx - chunk.ref_start_idx)
    }
