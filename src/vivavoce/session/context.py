"""What a channel said before: which earlier finals an utterance is decoded with.

An engine hears an utterance better when it also hears what came before and is told what that was.
All is a function of where utterances lie and of the finals before, never of time passed: a
restart, or another worker, decodes with the same context.
"""

from collections.abc import Sequence

import msgspec

from vivavoce.recognition.contract import Hypothesis


class Spoken(msgspec.Struct, frozen=True):
    """A final that later utterances may be decoded with; ``[start, end)`` is its audio."""

    start: int
    end: int
    text: str
    language: str


class Earlier(msgspec.Struct, frozen=True):
    """Context of an utterance: ``finals`` are what is said from ``start`` to where it begins."""

    start: int
    finals: tuple[str, ...]


def reaches(start: int, end: int, limit: int) -> bool:
    """Whether context from ``start`` on can serve an utterance that ends at ``end``.

    ``limit`` bounds both together: it is what the engine hears at once that costs.
    """
    return start >= end - limit


def earlier(spoken: Sequence[Spoken], end: int, limit: int) -> Earlier | None:
    """The context of the utterance that follows ``spoken`` and ends at ``end``."""
    near = [each for each in spoken if reaches(each.start, end, limit)]
    if not near:
        return None
    return Earlier(near[0].start, tuple(each.text for each in near))


def followed(
    spoken: Sequence[Spoken], start: int, end: int, answer: Hypothesis | None
) -> tuple[Spoken, ...]:
    """What may serve after one more utterance.

    What is not known, is doubted, or is in another language ends the context: audio that nobody
    put a text to cannot stand in the middle of it.
    """
    if answer is None or not answer.text or not answer.carries:
        return ()
    last = Spoken(start, end, answer.text, answer.language)
    if spoken and spoken[-1].language != answer.language:
        return (last,)
    return (*spoken, last)
