"""Marks and capitals for engines that give none.

A punctuation model may add marks and change case, and nothing else: text in which it changed a
letter is left as the engine heard it.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Protocol

import msgspec

from vivavoce.recognition.contract import Capabilities, DecodeRequest, Engine, Hypothesis

_MARKS = re.compile(r"[^\w]+|_")


class Punctuator(Protocol):
    """A model that writes marks and capitals into plain text."""

    @property
    def languages(self) -> frozenset[str]:
        """Codes of the languages it knows."""
        ...

    def punctuate(self, text: str) -> str:
        """Return the text with marks and capitals, its words unchanged and in order."""
        ...


class PunctuatedEngine:
    """An engine whose finals a punctuation model completes; partials stay as they are heard.

    Args:
        engine: gives words without marks.
        punctuator: adds them.
    """

    def __init__(self, engine: Engine, punctuator: Punctuator) -> None:
        self._engine = engine
        self._punctuator = punctuator

    @property
    def capabilities(self) -> Capabilities:
        """What the engine can do, now with marks where the punctuation model knows them all."""
        own = self._engine.capabilities
        return msgspec.structs.replace(own, punctuates=own.languages <= self._punctuator.languages)

    def warm_up(self) -> None:
        """Warm up both."""
        self._engine.warm_up()
        self._punctuator.punctuate("good morning how are you")

    def decode(self, batch: Sequence[DecodeRequest]) -> list[Hypothesis]:
        """Decode requests and complete the finals; answers stand in their order."""
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
    """Give each word its marks and case out of ``punctuated``.

    Returns:
        The hypothesis as it was if ``punctuated`` has other words.
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
        # Marks and spaces after a word are its own, up to the next letter.
        following = re.search(r"\w", rest[end:])
        cut = end + following.start() if following else len(rest)
        opening = re.search(r"\s", rest[end:cut])
        cut = end + opening.start() if opening and following else cut
        # The words stay two where the model made one of them with a hyphen.
        pieces.append("".join(rest[:cut].split()).rstrip("-"))
        rest = rest[cut:]
    return pieces if not _letters(rest) else None


def _end_of(word: str, text: str) -> int | None:
    """Return where a word ends that the text begins with, marks and case aside."""
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
