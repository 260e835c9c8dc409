"""The words of a transcript, as they stand in messages and results.

Times are seconds from the start of the session's audio. Contract §1.6 and §3.2.
"""

import msgspec

from vivavoce.protocol.formats import Index, Seconds, Share


class Word(msgspec.Struct, frozen=True):
    """One word; ``word`` begins with a space, so that words joined give the text."""

    word: str
    start: Seconds
    end: Seconds
    confidence: Share


class Utterance(msgspec.Struct, frozen=True):
    """Speech of one channel between two pauses; ``text`` begins with a space."""

    start: Seconds
    end: Seconds
    confidence: Share
    channel: Index
    words: tuple[Word, ...]
    text: str
    language: str


class Transcription(msgspec.Struct, frozen=True):
    """A whole session's text; ``languages`` runs from the most to the least frequent."""

    full_transcript: str
    languages: tuple[str, ...]
    utterances: tuple[Utterance, ...]
