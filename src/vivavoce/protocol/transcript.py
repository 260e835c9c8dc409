"""The words of a transcript, as they stand in messages and results.

Times are seconds from the start of the session's audio. Contract §1.6 and §3.2.
"""

import msgspec


class Word(msgspec.Struct, frozen=True):
    """One word; ``word`` begins with a space, so that words joined give the text."""

    word: str
    start: float
    end: float
    confidence: float


class Utterance(msgspec.Struct, frozen=True):
    """Speech of one channel between two pauses; ``text`` begins with a space."""

    start: float
    end: float
    confidence: float
    channel: int
    words: tuple[Word, ...]
    text: str
    language: str


class Transcription(msgspec.Struct, frozen=True):
    """A whole session's text; ``languages`` runs from the most to the least frequent."""

    full_transcript: str
    languages: tuple[str, ...]
    utterances: tuple[Utterance, ...]
