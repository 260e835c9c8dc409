"""What a channel said before: which earlier finals an utterance is decoded with.

An engine hears an utterance better when it also hears what came before and is told what that was;
where the text is doubted it hears the audio again instead, together with what follows.
All is a function of where utterances lie and of the finals before, never of time passed: a
restart, or another worker, decodes with the same context.
"""

from collections.abc import Sequence
from itertools import takewhile

import msgspec

from vivavoce.recognition.contract import SAMPLE_RATE, Hypothesis

QUIET = SAMPLE_RATE // 2
"""As much of the silence before its audio is kept for an utterance that nothing was said before.
A recogniser that doubts what it heard may hear it again with that."""

PATIENT_SECONDS = 0.2
"""From this ``endpointing`` on, an utterance is decoded while its silence is waited for."""
HASTY_SECONDS = 15.0
"""Most seconds heard at once where it is not, and every one of them delays the final."""

LEAST_TAIL = SAMPLE_RATE
"""A shorter end of a final says too little to begin in the middle of an utterance for."""


class Said(msgspec.Struct, frozen=True):
    """A word of a final and where it begins."""

    start: int
    text: str


class Spoken(msgspec.Struct, frozen=True):
    """A final that later utterances may be decoded with; ``[start, end)`` is its audio.

    ``words`` are those of the last final alone: only it may be used in part. Where its engine
    doubts the text (``carries``), only the audio serves.
    """

    start: int
    end: int
    text: str
    language: str
    words: tuple[Said, ...] = ()
    carries: bool = True


class Earlier(msgspec.Struct, frozen=True):
    """Context of an utterance: ``finals`` are what is said from ``start`` to where it begins.

    Or only up to ``untold_from``, if that is known: what follows there is to be heard again.
    Where there are neither finals nor that, nobody speaks there.
    """

    start: int
    finals: tuple[str, ...]
    untold_from: int | None = None


def bound(most: float, endpointing: float) -> float:
    """Most seconds that an utterance and its context may have together in a session.

    Args:
        most: the server's own limit, seconds.
        endpointing: seconds of silence that end an utterance there.
    """
    return most if endpointing >= PATIENT_SECONDS else min(most, HASTY_SECONDS)


def reaches(start: int, end: int, limit: int) -> bool:
    """Whether context from ``start`` on can serve an utterance that ends at ``end``.

    ``limit`` bounds both together: it is what the engine hears at once that costs.
    """
    return start >= end - limit


def earlier(spoken: Sequence[Spoken], end: int, limit: int) -> Earlier | None:
    """The context of the utterance that follows ``spoken`` and ends at ``end``.

    As many whole finals as fit; where not even the last one does, its last words. If the last one
    is trusted, those that were trusted right before it; if it is doubted, all, and from the first
    doubted one on they are heard again.
    """
    near = [each for each in spoken if reaches(each.start, end, limit)]
    if not near:
        return _tail(spoken[-1], end, limit) if spoken else None
    if near[-1].carries:
        trusted = tuple(reversed([*takewhile(_carries, reversed(near))]))
        return Earlier(trusted[0].start, tuple(each.text for each in trusted))
    told = tuple(takewhile(_carries, near))
    return Earlier(near[0].start, tuple(each.text for each in told), near[len(told)].start)


def silence(start: int, end: int, quiet: int, limit: int) -> Earlier | None:
    """What stands in for the context of an utterance that has none: the silence before it."""
    if not quiet or not reaches(start - quiet, end, limit):
        return None
    return Earlier(start - quiet, ())


def _carries(each: Spoken) -> bool:
    return each.carries


def _tail(last: Spoken, end: int, limit: int) -> Earlier | None:
    if not last.carries:
        return None
    words = [word for word in last.words if reaches(word.start, end, limit)]
    if not words or last.end - words[0].start < LEAST_TAIL:
        return None
    return Earlier(words[0].start, ("".join(word.text for word in words),))


def followed(
    spoken: Sequence[Spoken], start: int, end: int, answer: Hypothesis | None
) -> tuple[Spoken, ...]:
    """What may serve after one more utterance.

    What failed ends the context (it may be what the engine cannot bear), and so does another
    language. An empty text is as good as a doubted one.
    """
    if answer is None:
        return ()
    words = tuple(Said(start + word.start, word.text) for word in answer.words)
    carries = answer.carries and bool(answer.text)
    last = Spoken(start, end, answer.text, answer.language, words, carries)
    if not spoken or spoken[-1].language != answer.language:
        return (last,)
    return (*spoken[:-1], msgspec.structs.replace(spoken[-1], words=()), last)
