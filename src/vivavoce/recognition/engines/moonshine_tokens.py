"""Moonshine's vocabulary: conversion between token numbers, text and words."""

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from vivavoce.recognition.replacement import readable

VOCABULARY = "tokenizer.bin"

_SPACE = "\N{LOWER ONE EIGHTH BLOCK}".encode()
_CONTROL = re.compile(rb"<unk>|</?s>|<<ST_\d+>>")
_WORD = re.compile(r"\s?\S+")
_LONG = 0x80


@dataclass(frozen=True, slots=True)
class TokenWord:
    """A word and the positions, in the decoded tokens, of the tokens that spell it.

    Attributes:
        text: begins with one space; punctuation belongs to the word before it.
        tokens: positions of the tokens that carry its letters and digits; punctuation, which has
            no sound, is left out.
    """

    text: str
    tokens: tuple[int, ...]


class Tokenizer:
    """Turns tokens into text.

    Args:
        pieces: bytes of every token, in the order of their numbers; ``▁`` stands for a space.
    """

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = tuple(
            b"" if _CONTROL.fullmatch(piece) else piece.replace(_SPACE, b" ") for piece in pieces
        )
        # Of equal pieces the model writes the last: the single bytes at the beginning of the
        # vocabulary are for characters that have no piece.
        self._numbers = {piece: number for number, piece in enumerate(self._pieces) if piece}

    @classmethod
    def load(cls, path: Path) -> "Tokenizer":
        """Read ``tokenizer.bin``.

        Raises:
            ValueError: the file ends inside a record.
        """
        return cls(list(_records(path.read_bytes())))

    def tokens(self, text: str) -> tuple[int, ...]:
        """Return the tokens of a text, spelled like the model's own texts.

        Adjacent parts are joined as long as they form a known piece, in the order in which the
        pieces were learnt. Characters without a piece are left out.
        """
        return tuple(token for word in _WORD.findall(text) for token in self._spelled(word))

    def _spelled(self, word: str) -> list[int]:
        """Return the tokens of one word with the space before it."""
        parts = [letter.encode() for letter in word]
        while (at := self._first_pair(parts)) is not None:
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        return [self._numbers[part] for part in parts if part in self._numbers]

    def _first_pair(self, parts: Sequence[bytes]) -> int | None:
        """Return the position of the known pair that was learnt first; None if there is none."""
        known = (
            (self._numbers[one + other], at)
            for at, (one, other) in enumerate(pairwise(parts))
            if one + other in self._numbers
        )
        return min(known, default=(0, None))[1]

    def spell(self, token: int) -> str:
        """Return the text of one token, including spaces."""
        return readable(self._pieces[token])

    def text(self, tokens: Sequence[int]) -> str:
        """Return the text: words with one space before each, empty if there is no word."""
        return "".join(word.text for word in self.words(tokens))

    def words(self, tokens: Sequence[int]) -> tuple[TokenWord, ...]:
        """Group tokens into words; separate marks are joined to an adjacent word."""
        groups: list[list[int]] = []
        for position, token in enumerate(tokens):
            if not groups or self._pieces[token][:1].isspace():
                groups.append([])
            groups[-1].append(position)
        words: list[TokenWord] = []
        lead = ""
        for group in groups:
            text = self._spell(tokens, group)
            spoken = tuple(at for at in group if _has_sound(self._spell(tokens, [at])))
            if not spoken and not _has_sound(text):
                lead = _attach(words, lead, text)
            else:
                words.append(TokenWord(lead + text, spoken or tuple(group)))
                lead = ""
        return tuple(words)

    def _spell(self, tokens: Sequence[int], positions: Sequence[int]) -> str:
        """Return the text of some tokens with one space before it; empty if it is blank."""
        spelled = b"".join(self._pieces[tokens[at]] for at in positions)
        parts = readable(spelled).split()
        return " " + " ".join(parts) if parts else ""


def make_symbols(folder: Path, target: Path) -> None:
    """Write the vocabulary in sherpa-onnx's format: each token in base64 with its number."""
    records = _records((folder / VOCABULARY).read_bytes())
    lines = (f"{b64encode(token).decode()} {number}\n" for number, token in enumerate(records))
    target.write_text("".join(lines), "ascii")


def _attach(words: list[TokenWord], lead: str, mark: str) -> str:
    """Append a separate mark to the previous word; without one, return it for the next word."""
    if not words:
        return lead + mark
    words[-1] = TokenWord(words[-1].text + mark, words[-1].tokens)
    return lead


def _has_sound(text: str) -> bool:
    """Return whether the text has a letter or digit."""
    return any(character.isalnum() for character in text)


def _records(data: bytes) -> Iterator[bytes]:
    """Split the vocabulary file into its tokens.

    Each record is a length (one byte, or two from 128 on) followed by that number of bytes.
    """
    at = 0
    while at < len(data):
        length, at = data[at], at + 1
        if length >= _LONG:
            if at == len(data):
                raise ValueError("the vocabulary breaks off inside a length")
            length, at = data[at] * _LONG + length - _LONG, at + 1
        if at + length > len(data):
            raise ValueError("the vocabulary breaks off inside a token")
        yield data[at : at + length]
        at += length
