"""Measures end punctuation and capitals at the cuts between finals.

A reference with punctuation shows whether a sentence ends at a cut. Only cuts with correctly
recognised words on both sides count.
"""

import re
from collections.abc import Iterator, Sequence

import jiwer
import msgspec

from accuracy.results import Results

_END = re.compile(r"[.!?][\"')]*$")


class Cuts(msgspec.Struct, frozen=True):
    """Counts of cuts inside and between sentences, and of errors at them.

    Attributes:
        inside: cuts inside a sentence.
        stopped: cuts inside a sentence after a final that ends like a sentence.
        raised: cuts inside a sentence before a final that wrongly begins with a capital.
        between: cuts between sentences.
        unstopped: cuts between sentences after a final that does not end like a sentence.
        lowered: cuts between sentences before a final that does not begin with a capital.
        clashing: all cuts whose sides disagree: the end of a sentence without a capital after it,
            or no end with a capital after it that the reference does not have inside a sentence.
    """

    inside: int = 0
    stopped: int = 0
    raised: int = 0
    between: int = 0
    unstopped: int = 0
    lowered: int = 0
    clashing: int = 0

    def __add__(self, other: "Cuts") -> "Cuts":
        pairs = zip(msgspec.structs.astuple(self), msgspec.structs.astuple(other), strict=True)
        return Cuts(*(one + two for one, two in pairs))


def is_written(reference: str) -> bool:
    """Return whether a reference has punctuation and capitals, which show its sentences."""
    return bool(_END.search(reference.strip())) and reference != reference.lower()


def cuts(reference: str, finals: Sequence[str]) -> Cuts:
    """Count the cuts between the finals of a channel."""
    wanted = reference.split()
    heard = [word for text in finals for word in text.split()]
    places = _places(wanted, heard)
    return sum(_judged(wanted, heard, places, finals), Cuts())


def _judged(
    wanted: Sequence[str], heard: Sequence[str], places: dict[int, int], finals: Sequence[str]
) -> Iterator[Cuts]:
    at = 0
    for final in finals[:-1]:
        at += len(final.split())
        last, first = places.get(at - 1), places.get(at)
        if last is None or first != last + 1:
            continue
        stopped, raised = bool(_END.search(heard[at - 1])), heard[at][:1].isupper()
        if _END.search(wanted[last]):
            clashing = stopped != raised
            yield Cuts(between=1, unstopped=not stopped, lowered=not raised, clashing=clashing)
        else:
            wrong = raised and not wanted[first][:1].isupper()
            clashing = wrong if not stopped else not raised
            yield Cuts(inside=1, stopped=stopped, raised=wrong, clashing=clashing)


def _places(wanted: Sequence[str], heard: Sequence[str]) -> dict[int, int]:
    """Map each correctly recognised word to its word in the reference."""
    ours, theirs = (" ".join(map(_plain, words)) for words in (heard, wanted))
    if not ours or not theirs:
        return {}
    (chunks,) = jiwer.process_words(theirs, ours).alignments
    return {
        chunk.hyp_start_idx + step: chunk.ref_start_idx + step
        for chunk in chunks
        if chunk.type == "equal"
        for step in range(chunk.ref_end_idx - chunk.ref_start_idx)
    }


def _plain(word: str) -> str:
    """Return a word without punctuation and capitals; pure punctuation keeps its place."""
    return re.sub(r"\W", "", word).casefold() or word


def marks(results: Results) -> Iterator[tuple[object, ...]]:
    """Format each setting's cuts in texts with punctuation: telephone prompts and long form."""
    yield (
        *("setting", "cuts inside a sentence", "a wrong full stop", "a wrong capital"),
        *("cuts between sentences", "no full stop", "no capital", "sides disagree"),
    )
    for setting in results.head.settings:
        scores = [row.scores[setting] for row in results.rows if setting in row.scores]
        found = sum((Cuts(*score.cuts) for score in scores), Cuts())
        if found.inside or found.between:
            yield (setting, *msgspec.structs.astuple(found))
