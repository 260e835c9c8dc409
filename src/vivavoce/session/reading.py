"""Joining of successive finals: punctuation and capitals at their boundaries.

Engines decode each utterance as a complete text: they end it like a sentence, and given context
they may continue in the middle of one. This module makes both sides of a boundary consistent,
using what is known when each final is emitted. Only the final punctuation and the case of the
first letter change; the words themselves and the context of later utterances do not.
"""

import re

import msgspec

from vivavoce.recognition.contract import SAMPLE_RATE, Hypothesis

SPOKEN_UP_TO = SAMPLE_RATE // 10
"""Speech that ends within this many samples of a forced cut was cut in mid-sentence."""

SURE = 0.9
"""Minimum probability of a full stop that ends a sentence, as long as more may follow."""

_STOP = re.compile(r"[\s.\u2026\u3002\u0964]+$")
_SHORTENED = re.compile(r"\w\.\w+\.$")
_END = re.compile(r"(?<!\.)[.!?\u3002\uff01\uff1f\u061f\u0964][\"')\]\u00bb\u2019\u201d]*$")
_FIRST = re.compile(r"(\s*[\"(\[\u00ab\u00bf\u00a1\u201c\u201e]*)([^\W\d_]\w*)")
_CAPITALS = {("tr", "i"): "\u0130", ("az", "i"): "\u0130", ("nl", "ij"): "IJ"}
"""Beginnings of words whose capitals differ from the usual ones, by language."""


def unfinished(answer: Hypothesis | None, length: int) -> Hypothesis | None:
    """Return the text of an utterance cut at ``length`` samples that continues in the next.

    Engines end every text with a full stop; here it would be in the middle of a sentence.
    """
    if answer is None or not answer.words or answer.words[-1].end < length - SPOKEN_UP_TO:
        return answer
    return _open(answer)


def told(answer: Hypothesis | None, *, begins: bool, last: bool) -> tuple[Hypothesis | None, bool]:
    """Return the text to emit for an utterance, and whether the next one begins a sentence.

    Args:
        answer: the engine's hypothesis; None if it failed.
        begins: the second result of this function for the previous utterance.
        last: whether nothing follows, so that every sentence is complete.
    """
    if answer is None or not answer.words:
        return answer, begins
    if begins:
        answer = _begin_with(answer, _capitalised(answer.words[0].text, answer.language))
    elif answer.continues:
        answer = _begin_with(answer, _small(answer.words[0].text))
    if not last and answer.closing is not None and answer.closing < SURE:
        answer = _open(answer)
    return answer, closes(answer.text)


def closes(text: str) -> bool:
    """Return whether a text ends like a sentence, not in an ellipsis or an abbreviation."""
    return bool(_END.search(text)) and not _SHORTENED.search(text)


def _open(answer: Hypothesis) -> Hypothesis:
    """Remove the full stop at the end, unless it is part of an abbreviation."""
    last = answer.words[-1]
    word = _STOP.sub("", last.text)
    if not word.strip() or _SHORTENED.search(last.text):
        return answer
    words = (*answer.words[:-1], msgspec.structs.replace(last, text=word))
    return msgspec.structs.replace(answer, text=_STOP.sub("", answer.text), words=words)


def _begin_with(answer: Hypothesis, word: str) -> Hypothesis:
    """Return the hypothesis with its first word replaced."""
    first = answer.words[0]
    if word == first.text or not answer.text.startswith(first.text):
        return answer
    words = (msgspec.structs.replace(first, text=word), *answer.words[1:])
    return msgspec.structs.replace(answer, text=word + answer.text[len(first.text) :], words=words)


def _capitalised(word: str, language: str) -> str:
    """Return a word as written at the beginning of a sentence.

    A word with its own capitals (iPhone), or in a script without capitals, is unchanged.
    """
    found = _FIRST.match(word)
    if found is None or found[2] != found[2].lower():
        return word
    start, rest = found[1], word[found.end(1) :]
    for length in (2, 1):
        if capital := _CAPITALS.get((language, rest[:length])):
            return start + capital + rest[length:]
    capital = rest[0].title()
    return start + capital + rest[1:] if len(capital) == 1 else word


def _small(word: str) -> str:
    """Return a word as written inside a sentence; a word with other capitals is unchanged."""
    found = _FIRST.match(word)
    if found is None or found[2][1:] != found[2][1:].lower():
        return word
    small = found[2][0].lower()
    return found[1] + small + word[found.end(1) + 1 :] if len(small) == 1 else word
