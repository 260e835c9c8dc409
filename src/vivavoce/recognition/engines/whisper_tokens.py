"""Whisper's vocabulary: texts to tokens, tokens to words, and the decoder's control tokens."""

import re
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from vivavoce.recognition.engines.whisper_words import UNSPACED, TokenWord, closing_marks, words_of
from vivavoce.recognition.model_errors import ModelError

VOCABULARY = "tokenizer.json"

_ENGLISH_END = 50256
"""Number of the end token in the vocabulary of English-only models; the others have one more token
before it."""

_LANGUAGE = re.compile(r"<\|([a-z]{2,3})\|>")

_MANNER = {"zh": " 以下是普通话的句子。"}
"""Preceding text given to the decoder, which continues in the same characters. Otherwise Chinese
would be simplified or traditional by chance, and mostly without punctuation."""

# Printable Latin-1 characters stand for the byte of their number, in the byte-level vocabulary.
_PRINTED = (range(0x21, 0x7F), range(0xA1, 0xAD), range(0xAE, 0x100))


class WhisperTokenizer:
    """One model's vocabulary.

    Attributes:
        languages: codes that the vocabulary has a token for.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        vocabulary = tokenizer.get_vocab()
        self._pieces = _pieces(vocabulary, self._control("endoftext"))
        found = filter(None, map(_LANGUAGE.fullmatch, vocabulary))
        self.languages = frozenset(match[1] for match in found)

    @property
    def spoken(self) -> frozenset[str]:
        """Codes that the model supports: an English-only model has tokens for the others too."""
        english = self._control("endoftext") <= _ENGLISH_END
        return frozenset({"en"}) if english else self.languages

    @classmethod
    def load(cls, folder: Path) -> "WhisperTokenizer":
        """Read ``tokenizer.json`` from a model's folder.

        Raises:
            ModelError: the file is missing, or is not Whisper's vocabulary.
        """
        path = folder / VOCABULARY
        if not path.is_file():
            raise ModelError(f"{folder} has no {VOCABULARY}; copy that of the original model there")
        tokenizer = Tokenizer.from_file(str(path))
        if tokenizer.token_to_id("<|startoftranscript|>") is None:
            raise ModelError(f"{path} is not the vocabulary of a Whisper model")
        return cls(tokenizer)

    def start(self, language: str | None) -> list[int]:
        """Return the start tokens of a transcript; ``language`` is None for one-language models."""
        names = ["startoftranscript"]
        if language is not None:
            names += [language, "transcribe"]
        return [self._control(name) for name in (*names, "notimestamps")]

    def manner(self, language: str | None) -> list[int]:
        """Return tokens before the start tokens that set the writing style; empty for most."""
        if language not in _MANNER:
            return []
        return [self._control("startofprev"), *self.encode(_MANNER[language])]

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text."""
        tokens: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return tokens

    def words(self, tokens: Sequence[int], language: str) -> tuple[TokenWord, ...]:
        """Group text tokens into words; control tokens have no text."""
        pieces = [self._pieces.get(token, b"") for token in tokens]
        return words_of(pieces, spaced=language not in UNSPACED)

    def closing_marks(self, tokens: Sequence[int]) -> int:
        """Return how many initial tokens are punctuation that closes the preceding text."""
        return closing_marks([self._pieces.get(token, b"") for token in tokens])

    def _control(self, name: str) -> int:
        token: int | None = self._tokenizer.token_to_id(f"<|{name}|>")
        if token is None:
            raise ValueError(f"the vocabulary has no <|{name}|>")
        return token


def _pieces(vocabulary: dict[str, int], end: int) -> dict[int, bytes]:
    """Return the bytes of every text token; tokens from the end token on are control tokens."""
    byte_of = _byte_alphabet()
    return {
        token: bytes(byte_of[character] for character in piece)
        for piece, token in vocabulary.items()
        if token < end
    }


def _byte_alphabet() -> dict[str, int]:
    """Return the byte that each character of the vocabulary represents."""
    printed = [byte for printable in _PRINTED for byte in printable]
    others = [byte for byte in range(256) if byte not in set(printed)]
    return {chr(byte): byte for byte in printed} | {
        chr(256 + index): byte for index, byte in enumerate(others)
    }
