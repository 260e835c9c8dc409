"""Context of an utterance: the earlier finals and audio that it is decoded with.

An engine decodes an utterance more accurately if it also gets the preceding audio and its text;
where that text is doubtful, it decodes the audio again instead, together with what follows.
Context is a function of the positions of utterances and of earlier finals, never of elapsed time:
after a restart, or on another worker, an utterance is decoded with the same context.
"""

from collections.abc import Sequence
from itertools import takewhile

import msgspec

from vivavoce.recognition.contract import SAMPLE_RATE, Hypothesis

QUIET = SAMPLE_RATE // 2
"""Samples of silence kept before an utterance that has no speech before it.

A recogniser that doubts its result may decode the utterance again with this silence.
"""

PATIENT_SECONDS = 0.2
"""From this ``endpointing`` on, an utterance is decoded during its closing silence."""
HASTY_SECONDS = 15.0
"""Maximum seconds decoded at once below ``PATIENT_SECONDS``, where each delays the final."""

LEAST_TAIL = SAMPLE_RATE
"""Minimum samples of the end of a final that are worth using as context without the rest."""


class Said(msgspec.Struct, frozen=True):
    """A word of a final and the sample where it begins."""

    start: int
    text: str


class Spoken(msgspec.Struct, frozen=True):
    """A final that may be context of later utterances; ``[start, end)`` is its audio.

    Only the last final has ``words``: only it may be used in part. If ``carries`` is false, the
    engine doubts the text, and only the audio is used.
    """

    start: int
    end: int
    text: str
    language: str
    words: tuple[Said, ...] = ()
    carries: bool = True


class Earlier(msgspec.Struct, frozen=True):
    """Context of an utterance: ``finals`` are the texts from ``start`` to where it begins.

    If ``untold_from`` is set, they end there, and the audio that follows is to be decoded again.
    If there are no finals and ``untold_from`` is None, the audio contains no speech.
    """

    start: int
    finals: tuple[str, ...]
    untold_from: int | None = None


def bound(most: float, endpointing: float) -> float:
    """Return the maximum seconds of an utterance plus its context in a session.

    Args:
        most: the server's limit, seconds.
        endpointing: seconds of silence that end an utterance in the session.
    """
    return most if endpointing >= PATIENT_SECONDS else min(most, HASTY_SECONDS)


def reaches(start: int, end: int, limit: int) -> bool:
    """Return whether an utterance that ends at ``end`` can have context from ``start`` on.

    ``limit`` bounds both together: the cost depends on all audio that the engine decodes at once.
    """
    return start >= end - limit


def earlier(spoken: Sequence[Spoken], end: int, limit: int) -> Earlier | None:
    """Return the context of the utterance that follows ``spoken`` and ends at ``end``.

    The context has as many whole finals as fit; if not even the last one fits, its last words. If
    the last final is trusted, the context begins after the last doubted one. If it is doubted, the
    context has all of them, and the audio from the first doubted one on is decoded again.
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
    """Return the silence before an utterance, as context for one without preceding speech."""
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
    """Return the finals that may serve as context after one more utterance.

    A failed utterance clears the context, as its audio may make the engine fail again; so does a
    change of language. An empty text counts as a doubted one.
    """
    if answer is None:
        return ()
    words = tuple(Said(start + word.start, word.text) for word in answer.words)
    carries = answer.carries and bool(answer.text)
    last = Spoken(start, end, answer.text, answer.language, words, carries)
    if not spoken or spoken[-1].language != answer.language:
        return (last,)
    return (*spoken[:-1], msgspec.structs.replace(spoken[-1], words=()), last)
