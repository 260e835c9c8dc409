"""Interface between the server and a speech engine: requests and hypotheses.

All values are plain data, so that they can be sent to a worker process unchanged. Audio is
32-bit float little-endian, 16 kHz, mono; positions are samples at that rate.
"""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

SAMPLE_RATE = 16_000

Purpose = Literal["final", "partial", "language"]


class Capabilities(msgspec.Struct, frozen=True):
    """Capabilities of an engine; the server relies on them and never requests more.

    Attributes:
        languages: codes of the languages it decodes; it refuses all others.
        streaming: growing audio costs only the decoding of its new part.
        word_times: word times are measured; without it they are distributed by word length.
        confidence: confidences come from the model; without it they are 1 and carry no meaning.
        biasing: it accepts words to expect.
        context: it uses a request's ``context``.
        max_batch: maximum number of requests per batch.
        punctuates: its text has marks and capitals; otherwise a punctuation model may add them.
        identifies_languages: it accepts requests with the purpose ``language``.
    """

    languages: frozenset[str]
    streaming: bool = False
    word_times: bool = False
    confidence: bool = False
    biasing: bool = False
    context: bool = False
    max_batch: int = 1
    punctuates: bool = True
    identifies_languages: bool = False


class Context(msgspec.Struct, frozen=True):
    """Earlier speech of the same channel: ``audio`` ends where the request's audio begins.

    ``finals`` are the texts decoded from it, in order. Without ``finals`` and ``untold`` it
    contains no speech. An engine without the ``context`` capability ignores it. It is part of the
    request, so that every worker returns the same answer.

    Attributes:
        untold: number of samples at the end of ``audio`` with speech whose text is doubtful and
            not among ``finals``; an engine decodes them again and omits their words, or uses no
            context.
    """

    audio: bytes = b""
    finals: tuple[str, ...] = ()
    untold: int = 0


class DecodeRequest(msgspec.Struct, frozen=True):
    """One span of speech to be transcribed.

    Attributes:
        audio: float32 little-endian samples, 16 kHz, mono.
        purpose: a ``final`` must be a pure function of the request; a ``partial`` may trade
            accuracy for speed and gives no guarantees; ``language`` requests which of
            ``languages`` is spoken, is a pure function too, and is only valid for engines that
            identify languages.
        language: the language to decode in; without meaning for the purpose ``language``.
        context: earlier speech of the channel.
        speech_start: sample of ``audio`` where speech begins; the audio before it is pre-roll.
        languages: candidates for the purpose ``language``; empty means all that it supports.
        draft: probable beginning of a partial's text. An engine may verify it instead of decoding
            it again, or ignore it; the result is the same either way, except for rounding.
    """

    audio: bytes
    purpose: Purpose
    language: str
    context: Context = Context()
    speech_start: int = 0
    languages: tuple[str, ...] = ()
    draft: str = ""


class SpokenWord(msgspec.Struct, frozen=True):
    """A word with its position in the request's audio, in samples.

    ``text`` begins with a space. In languages written without spaces, this holds only for the
    first word and for words that the script sets apart.
    """

    text: str
    start: int
    end: int
    confidence: float


class Hypothesis(msgspec.Struct, frozen=True):
    """Result of a decode; for the purpose ``language``, only a language and its probability.

    Attributes:
        text: the joined words; empty when there is no speech.
        words: in order, without overlaps, inside the request's audio.
        language: language of the text, or the most probable of the candidates.
        confidence: 0 to 1 for the whole text; for the purpose ``language``, the probability of
            the language among the candidates.
        carries: whether this may serve as context for later speech; false if the engine doubts
            the text, because a wrong context does more harm than none.
        closing: probability of the mark that the text ends with; None without a mark, and from
            engines that do not estimate it.
        continues: the first word is capitalised, but the engine takes it for a word in the middle
            of a sentence that is not a name.
    """

    text: str
    words: tuple[SpokenWord, ...]
    language: str
    confidence: float
    carries: bool = True
    closing: float | None = None
    continues: bool = False


class Engine(Protocol):
    """A loaded model. Runs in a worker process and is called from one thread."""

    @property
    def capabilities(self) -> Capabilities:
        """Capabilities of this engine."""
        ...

    def warm_up(self) -> None:
        """Decode a short sample, so that the first real request is not slow."""
        ...

    def decode(self, batch: Sequence[DecodeRequest]) -> list[Hypothesis]:
        """Decode requests of similar length; answers are in the order of the requests."""
        ...
