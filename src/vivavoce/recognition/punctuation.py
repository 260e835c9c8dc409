"""Punctuation and capitals for engines that produce none.

A punctuation model may only add marks and change case: a text in which it changed a letter keeps
the engine's form.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Protocol

import msgspec

from vivavoce.recognition.contract import Capabilities, DecodeRequest, Engine, Hypothesis

_MARKS = re.compile(r"[^\w]+|_")


class Punctuator(Protocol):
    """A model that adds marks and capitals to plain text."""

    @property
    def languages(self) -> frozenset[str]:
        """Codes of the languages that it supports."""
        ...

    def punctuate(self, text: str) -> str:
        """Return the text with marks and capitals, its words unchanged and in order."""
        ...


class PunctuatedEngine:
    """An engine whose finals a punctuation model completes; partials stay as decoded.

    Args:
        engine: produces words without marks.
        punctuator: adds the marks and capitals.
    """

    def __init__(self, engine: Engine, punctuator: Punctuator) -> None:
        self._engine = engine
        self._punctuator = punctuator

    @property
    def capabilities(self) -> Capabilities:
        """The engine's capabilities; it punctuates if the model supports all its languages."""
        own = self._engine.capabilities
        return msgspec.structs.replace(own, punctuates=own.languages <= self._punctuator.languages)

    def warm_up(self) -> None:
        """Warm up the engine and the punctuation model."""
        self._engine.warm_up()
        self._punctuator.punctuate("good morning how are you")

    def decode(self, batch: Sequence[DecodeRequest]) -> list[Hypothesis]:
        """Decode requests and complete the finals; answers are in the order of the requests."""
        heard = self._engine.decode(batch)
        return [
            self._completed(hypothesis) if request.purpose == "final" else hypothesis
            for request, hypothesis in zip(batch, heard, strict=True)
        ]

    def _completed(self, heard: Hypothesis) -> Hypothesis:
        if not heard.words or heard.language not in self._punctuator.languages:
            return heard
        return completed(heard, self._punctuator.punctuate(heard.text.strip()))


def completed(heard: Hypothesis, punctuated: str) -> Hypothesis:
    """Copy marks and case from ``punctuated`` to each word.

    Returns:
        The completed hypothesis; unchanged if ``punctuated`` has other words.
    """
    pieces = _pieces(punctuated, [_letters(word.text) for word in heard.words])
    if pieces is None:
        return heard
    words = tuple(
        msgspec.structs.replace(word, text=f" {piece}")
        for word, piece in zip(heard.words, pieces, strict=True)
    )
    return msgspec.structs.replace(heard, text="".join(word.text for word in words), words=words)


def _pieces(text: str, words: Sequence[str]) -> list[str] | None:
    """Cut a text into pieces that spell the words; None if it does not spell them."""
    pieces: list[str] = []
    rest = text
    for word in words:
        end = _end_of(word, rest)
        if end is None:
            return None
        # Marks and spaces after a word belong to it, up to the next letter.
        following = re.search(r"\w", rest[end:])
        cut = end + following.start() if following else len(rest)
        opening = re.search(r"\s", rest[end:cut])
        cut = end + opening.start() if opening and following else cut
        # Two words that the model joined with a hyphen stay separate.
        pieces.append("".join(rest[:cut].split()).rstrip("-"))
        rest = rest[cut:]
    return pieces if not _letters(rest) else None


def _end_of(word: str, text: str) -> int | None:
    """Return the end of ``word`` if ``text`` begins with it, ignoring marks and case."""
    spelled = ""
    for at, character in enumerate(text):
        spelled += _letters(character)
        if spelled == word:
            return at + 1
        if not word.startswith(spelled):
            return None
    return None


def _letters(text: str) -> str:
    return _MARKS.sub("", unicodedata.normalize("NFC", text)).casefold()
