"""What the rest of the house may ask of a speech engine, and what it gets back.

All values are plain data: they cross the process border to a worker as they are. Audio is
32-bit float little-endian, 16 kHz, mono; positions are samples at that rate.
"""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

SAMPLE_RATE = 16_000

Purpose = Literal["final", "partial", "language"]


class Capabilities(msgspec.Struct, frozen=True):
    """What an engine can do; the server plans with it and never asks for more.

    Attributes:
        languages: codes of the languages it decodes; anything else it refuses.
        streaming: growing audio costs it only what is new.
        word_times: word places are heard; without it they are shared out by length.
        confidence: confidences are the model's; without it they are 1 and say nothing.
        biasing: it can be told words to expect.
        context: it listens to a request's ``context``.
        max_batch: most requests it takes at once.
        punctuates: its text has marks and capitals; where not, a punctuation model may help.
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

    ``finals`` are the texts that were heard there, in order. Without ``finals`` and ``untold``
    nobody speaks there. An engine without the ``context`` capability ignores it. Part of the
    request, so that any worker gives the same answer.

    Attributes:
        untold: so many samples at the end of ``audio`` hold speech whose text is doubted and not
            among ``finals``; an engine hears them again and leaves out what they say, or takes no
            context.
    """

    audio: bytes = b""
    finals: tuple[str, ...] = ()
    untold: int = 0


class DecodeRequest(msgspec.Struct, frozen=True):
    """One span of speech to be turned into text.

    Attributes:
        audio: float32 little-endian samples, 16 kHz, mono.
        purpose: a ``final`` must be a pure function of the request; a ``partial`` may trade
            accuracy for speed and carries no promise; ``language`` asks which of ``languages``
            is spoken, is a pure function too, and only for engines that identify languages.
        language: the language to decode in; of no meaning where it is asked for.
        context: earlier speech of the channel.
        speech_start: sample of ``audio`` where speech begins (what precedes it is pre-roll).
        languages: candidates for the purpose ``language``; none means all that the engine knows.
        draft: what a partial's text probably begins with. An engine may check it instead of
            finding it anew, or ignore it; it hears the same either way, but for rounding.
    """

    audio: bytes
    purpose: Purpose
    language: str
    context: Context = Context()
    speech_start: int = 0
    languages: tuple[str, ...] = ()
    draft: str = ""


class SpokenWord(msgspec.Struct, frozen=True):
    """A word with its place in the request's audio, in samples.

    ``text`` begins with a space; in languages written without spaces only the first word's does,
    and those that the script sets apart.
    """

    text: str
    start: int
    end: int
    confidence: float


class Hypothesis(msgspec.Struct, frozen=True):
    """What an engine heard; to the purpose ``language``, only a language and its probability.

    Attributes:
        text: the joined words; empty when nothing was said.
        words: in order, not overlapping, inside the request's audio.
        language: language of the text, or the likeliest of the candidates.
        confidence: 0 to 1 for the whole text; of a language, its probability among the candidates.
        carries: whether what follows may be decoded with this as context; an engine says no where
            it doubts what it heard, for a wrong context does more harm than none.
        closing: probability of the mark that the text ends with; None without one, and from
            engines that cannot say.
        continues: the first word is written with a capital, but the engine takes it for one in the
            middle of a sentence, and not for a name.
    """

    text: str
    words: tuple[SpokenWord, ...]
    language: str
    confidence: float
    carries: bool = True
    closing: float | None = None
    continues: bool = False


class Engine(Protocol):
    """A loaded model. Lives in a worker process; called from one thread."""

    @property
    def capabilities(self) -> Capabilities:
        """What this engine can do."""
        ...

    def warm_up(self) -> None:
        """Decode something short, so that the first real request is not the slow one."""
        ...

    def decode(self, batch: Sequence[DecodeRequest]) -> list[Hypothesis]:
        """Decode requests of alike length; answers stand in the order of the requests."""
        ...
