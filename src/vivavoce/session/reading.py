"""How finals read one after the other: what is known of a text when it leaves.

Engines hear an utterance as if it were all: they end it like a sentence, and with what was said
before they go on in the middle of one. Here the two sides of a cut are made to agree, by what is
known when each leaves. Only the closing mark and the case of the first letter change; which words
are said, and what later utterances are decoded with, do not.
"""

import re

import msgspec

from vivavoce.recognition.contract import SAMPLE_RATE, Hypothesis

SPOKEN_UP_TO = SAMPLE_RATE // 10
"""Speech that ends no further from a forced cut was cut in mid-sentence, not in a pause."""

SURE = 0.9
"""A less likely full stop ends no sentence, as long as more may follow."""

_STOP = re.compile(r"[\s.\u2026\u3002\u0964]+$")
_SHORTENED = re.compile(r"\w\.\w+\.$")
_END = re.compile(r"(?<!\.)[.!?\u3002\uff01\uff1f\u061f\u0964][\"')\]\u00bb\u2019\u201d]*$")
_FIRST = re.compile(r"(\s*[\"(\[\u00ab\u00bf\u00a1\u201c\u201e]*)([^\W\d_]\w*)")
_CAPITALS = {("tr", "i"): "\u0130", ("az", "i"): "\u0130", ("nl", "ij"): "IJ"}
"""Where the beginning of a word has another capital than its first letter has everywhere."""


def unfinished(answer: Hypothesis | None, length: int) -> Hypothesis | None:
    """The text of an utterance that was cut off at ``length`` samples and goes on in the next.

    An engine ends every text with a full stop; here it would stand in the middle of a sentence.
    """
    if answer is None or not answer.words or answer.words[-1].end < length - SPOKEN_UP_TO:
        return answer
    return _open(answer)


def told(answer: Hypothesis | None, *, begins: bool, last: bool) -> tuple[Hypothesis | None, bool]:
    """What a client is told of an utterance, and whether the next one begins a sentence.

    Args:
        answer: what the engine heard; None if it failed.
        begins: what this function said of the utterance told before.
        last: nothing follows, and every sentence is over.
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
    """Whether a text ends like a sentence; dots that leave it open, or that shorten, do not."""
    return bool(_END.search(text)) and not _SHORTENED.search(text)


def _open(answer: Hypothesis) -> Hypothesis:
    """Without the full stop at its end; one that is part of a shortened word stays."""
    last = answer.words[-1]
    word = _STOP.sub("", last.text)
    if not word.strip() or _SHORTENED.search(last.text):
        return answer
    words = (*answer.words[:-1], msgspec.structs.replace(last, text=word))
    return msgspec.structs.replace(answer, text=_STOP.sub("", answer.text), words=words)


def _begin_with(answer: Hypothesis, word: str) -> Hypothesis:
    """With the first word written so."""
    first = answer.words[0]
    if word == first.text or not answer.text.startswith(first.text):
        return answer
    words = (msgspec.structs.replace(first, text=word), *answer.words[1:])
    return msgspec.structs.replace(answer, text=word + answer.text[len(first.text) :], words=words)


def _capitalised(word: str, language: str) -> str:
    """A word as it stands at the beginning of a sentence.

    One that has its own capital (iPhone), or whose script knows none, stays.
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
    """A word as it stands inside a sentence; one with other capitals stays."""
    found = _FIRST.match(word)
    if found is None or found[2][1:] != found[2][1:].lower():
        return word
    small = found[2][0].lower()
    return found[1] + small + word[found.end(1) + 1 :] if len(small) == 1 else word
