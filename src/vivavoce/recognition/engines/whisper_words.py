"""Grouping of tokens into words, for scripts with and without spaces between words.

In scripts without spaces, word boundaries cannot be found without a dictionary of the language.
There, a word is the smallest unit that the model writes at once: one character, or several that
are one token, and whole words of other scripts in between. Combining signs stay with the character
that they belong to.
"""

import codecs
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vivavoce.recognition.replacement import without

UNSPACED = frozenset({"bo", "ja", "km", "lo", "my", "th", "yue", "zh"})
"""Languages written without spaces between words."""

_OPENING = frozenset({"Ps", "Pi"})
_ALSO_OPENING = frozenset("¿¡")
_DIVIDING = ".,!?;:\u2026"
_NETWORK = "com org net edu gov info io ai app dev co uk eu de fr es nl ru cz pl pt jp cn kr in us"
_FILES = "html htm pdf txt doc docx csv json xml py js ts md exe zip mp3 mp4 wav jpg png"
_ENDINGS = frozenset(f"{_NETWORK} {_FILES}".split())
"""Endings of host names and file names after the last dot."""


@dataclass(frozen=True, slots=True)
class TokenWord:
    """A word and the positions, in the decoded tokens, of the tokens that spell it.

    Attributes:
        text: begins with a space, except within a text without spaces; punctuation belongs to the
            word before it, an opening quote or bracket to the word after it.
        tokens: positions of the tokens that carry its letters and digits; punctuation, which has
            no sound, is left out. No two words share a token.
    """

    text: str
    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Run:
    """Consecutive tokens and the whole characters that they spell."""

    text: str
    tokens: tuple[int, ...]

    @property
    def has_sound(self) -> bool:
        return any(character.isalnum() for character in self.text)

    @property
    def opens(self) -> bool:
        """Whether these are quotes or brackets that belong to the following word."""
        marks = self.text.strip()
        return bool(marks) and all(
            unicodedata.category(mark) in _OPENING or mark in _ALSO_OPENING for mark in marks
        )

    def __add__(self, other: "_Run") -> "_Run":
        return _Run(self.text + other.text, self.tokens + other.tokens)


def words_of(pieces: Sequence[bytes], *, spaced: bool) -> tuple[TokenWord, ...]:
    """Group tokens into words.

    Args:
        pieces: bytes of each token, in order; a character may span several tokens.
        spaced: whether the script puts spaces between words.

    Returns:
        Words whose joined texts are the whole text, beginning with one space; none if the text
        has no letter or digit.
    """
    runs = list(_characters(pieces))
    groups = _between_spaces(runs) if spaced else _between_letters(runs)
    return _with_marks(groups, spaced=spaced)


def closing_marks(pieces: Sequence[bytes]) -> int:
    """Return how many initial tokens spell only marks that close the preceding text."""
    count = 0
    for run in _characters(pieces):
        if run.has_sound or run.opens:
            break
        count = run.tokens[-1] + 1
    return count


def _characters(pieces: Sequence[bytes]) -> Iterator[_Run]:
    """Yield runs of tokens that end at a character boundary."""
    decoder = codecs.getincrementaldecoder("utf-8")("ignore")
    text, tokens = "", ()  # type: tuple[str, tuple[int, ...]]
    for position, piece in enumerate(pieces):
        text, tokens = text + without(decoder.decode(piece)), (*tokens, position)
        if not decoder.getstate()[0]:
            yield _Run(text, tokens)
            text, tokens = "", ()
    if tokens:
        yield _Run(text, tokens)


def _between_spaces(runs: Sequence[_Run]) -> list[list[_Run]]:
    groups: list[list[_Run]] = []
    for run in runs:
        if not groups or run.text[:1].isspace() or _glued(groups[-1], run):
            groups.append([])
        groups[-1].append(run)
    return groups


def _glued(group: Sequence[_Run], run: _Run) -> bool:
    """Return whether a run begins a new word without a space after a mark that ends a word.

    This excludes numbers, abbreviations (p.m.) and names with an ending (example.com).
    """
    if group[-1].text not in _DIVIDING or len(group) == 1:
        return False
    before = "".join(each.text for each in group[:-1])
    letters = sum(map(str.isalpha, before))
    after = run.text.strip(_DIVIDING + "'\u2019")
    return (
        letters > 1
        and not any(map(str.isdigit, before))
        and len(after) > 1
        and after.isalpha()
        and after.lower() not in _ENDINGS
    )


def _between_letters(runs: Sequence[_Run]) -> list[list[_Run]]:
    """Group each run alone, except for parts of a foreign word and combining signs."""
    groups: list[list[_Run]] = []
    for run in runs:
        before = groups[-1][-1].text if groups else ""
        if not before or not _belong_together(before, run.text):
            groups.append([])
        groups[-1].append(run)
    return groups


def _belong_together(before: str, after: str) -> bool:
    if not after:
        return True
    if unicodedata.category(after[0]).startswith("M"):
        return not before[-1:].isspace()
    return _is_of_spaced_script(before[-1]) and _is_of_spaced_script(after[0])


def _is_of_spaced_script(character: str) -> bool:
    """Return whether a character is a cased letter or digit, as in words of other scripts."""
    return character.isdecimal() or unicodedata.category(character) in {"Lu", "Ll", "Lt"}


def _with_marks(groups: Sequence[Sequence[_Run]], *, spaced: bool) -> tuple[TokenWord, ...]:
    """Turn groups into words; separate marks are joined to an adjacent word."""
    words: list[TokenWord] = []
    lead = ""
    for group in groups:
        whole = sum(group, _Run("", ()))
        text = _tidy(whole.text, apart=spaced or not (words or lead))
        if whole.has_sound:
            sounding = tuple(at for run in group if run.has_sound for at in run.tokens)
            words.append(TokenWord(_joined(lead, text), sounding))
            lead = ""
        elif whole.opens or not words:
            lead = _joined(lead, text)
        else:
            words[-1] = TokenWord(words[-1].text + lead + text, words[-1].tokens)
            lead = ""
    if words and lead:
        words[-1] = TokenWord(words[-1].text + lead, words[-1].tokens)
    return tuple(words)


def _tidy(text: str, *, apart: bool) -> str:
    """Return the text with single spaces inside, and one before it where words are separate."""
    tidy = " ".join(text.split())
    return f" {tidy}" if tidy and (apart or text[:1].isspace()) else tidy


def _joined(lead: str, text: str) -> str:
    """Return an opening mark joined to the text after it, without a space in any script."""
    return lead + text.lstrip() if lead else text
