"""An engine without a model, for tests: its text is a pure function of the audio.

Every burst of sound is a word, determined by its pitch, which is measured in zero crossings:
``sing`` makes audio of words and ``ScriptedEngine`` decodes them, even after resampling, 8-bit
codecs and telephone bands. Any other audio, including speech, yields words too, always the same.

Some words are faults. An engine loaded with ``faults`` acts on them when it decodes them: it
crashes, hangs, raises, or returns an invalid answer. Other engines treat them as ordinary words.
"""

import os
import signal
import sys
import time
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any, NoReturn

import msgspec
import numpy as np
import numpy.typing as npt

from vivavoce.recognition.contract import (
    SAMPLE_RATE,
    Capabilities,
    DecodeRequest,
    Hypothesis,
    SpokenWord,
)
from vivavoce.recognition.request_audio import read_audio

FAULTS = (
    "crash",  # dies of SIGSEGV
    "leave",  # exits with status 0
    "hang",  # never answers
    "refuse",  # raises an exception
    "starve",  # raises MemoryError
    "print",  # writes to standard output
    "swallow",  # omits the batch's last answer
    "nothing",  # returns the text None
    "nan",  # returns a word with an invalid time
    "disorder",  # returns its words in reverse order
    "babble",  # returns ten million characters
)

ORDINARY = (
    "alfa",
    "bravo",
    "charlie",
    "delta",
    "echo",
    "foxtrot",
    "golf",
    "hotel",
    "india",
    "juliett",
    "kilo",
    "lima",
    "mike",
    "november",
    "oscar",
    "papa",
    "quebec",
)

WORDS = FAULTS + ORDINARY

WORD_SECONDS = 0.2
GAP_SECONDS = 0.1

_LOWEST_HERTZ = 400
_HERTZ_APART = 100
_AMPLITUDE = 0.3

_FRAME = SAMPLE_RATE // 100
_LOUD = 0.02
_LONGEST_DIP = 3  # frames of silence inside a word
_SHORTEST_WORD = 3  # frames

_Samples = npt.NDArray[np.float32]


def sing(text: str, *, gap: float = GAP_SECONDS) -> bytes:
    """Make audio that a scripted engine decodes to these words.

    Args:
        text: words from ``WORDS``.
        gap: seconds of silence before each word and after the last.

    Returns:
        float32 little-endian samples, 16 kHz, mono.

    Raises:
        ValueError: a word is not in the list.
    """
    silence = np.zeros(round(gap * SAMPLE_RATE), dtype="<f4")
    parts = [silence]
    for word in text.split():
        parts += [_tone(WORDS.index(word)), silence]
    return np.concatenate(parts).tobytes()


def load(
    *,
    faults: bool | Sequence[str] = False,
    languages: Sequence[str] = ("en",),
    max_batch: int = 4,
    real_time_factor: float = 0.0,
    leak: int = 0,
) -> "ScriptedEngine":
    """Load the engine (for ``EngineSpec``).

    Args:
        faults: act on the words of ``FAULTS``, all of them or those given.
        languages: languages that it claims; with several it identifies them (``identify``).
        max_batch: maximum number of requests per batch.
        real_time_factor: seconds that it takes per second of audio.
        leak: bytes of memory that it leaks per request.
    """
    capabilities = Capabilities(
        languages=frozenset(languages),
        word_times=True,
        confidence=True,
        max_batch=max_batch,
        punctuates=False,
        identifies_languages=len(languages) > 1,
    )
    obeyed = frozenset((FAULTS if faults else ()) if isinstance(faults, bool) else faults)
    return ScriptedEngine(capabilities, faults=obeyed, real_time_factor=real_time_factor, leak=leak)


class ScriptedEngine:
    """Decodes bursts of sound to words; an ``Engine``."""

    def __init__(
        self,
        capabilities: Capabilities,
        *,
        faults: frozenset[str] = frozenset(),
        real_time_factor: float = 0.0,
        leak: int = 0,
    ) -> None:
        self._capabilities = capabilities
        self._faults = faults
        self._real_time_factor = real_time_factor
        self._leak = leak
        self._leaked: list[bytes] = []

    @property
    def capabilities(self) -> Capabilities:
        """The capabilities that it claims."""
        return self._capabilities

    def warm_up(self) -> None:
        """Do nothing: the engine needs no warm-up."""

    def decode(self, batch: Sequence[DecodeRequest]) -> list[Hypothesis]:
        """Decode the words of each request and act on fault words.

        Raises:
            ValueError: the engine does not claim a language, or the audio is malformed.
        """
        known = self._capabilities.languages
        for request in batch:
            if request.purpose != "language" and request.language not in known:
                raise ValueError(f"this engine does not claim {request.language!r}")
        heard = [
            identify(request, known) if request.purpose == "language" else hear(request)
            for request in batch
        ]
        if self._real_time_factor:
            samples = sum(len(request.audio) for request in batch) // 4
            time.sleep(self._real_time_factor * samples / SAMPLE_RATE)
        if self._leak:
            self._leaked += [b"\xff" * self._leak for _ in batch]
        if not self._faults:
            return heard
        orders = [self._faults.intersection(hypothesis.text.split()) for hypothesis in heard]
        answers = [_suffer(*told) for told in zip(heard, orders, strict=True)]
        if any("swallow" in words for words in orders):
            answers.pop()
        return answers


def hear(request: DecodeRequest) -> Hypothesis:
    """Return the words of a request's audio; its context is ignored."""
    samples = read_audio(request.audio)
    words = tuple(
        SpokenWord(f" {_name(samples[start:end])}", start, end, 1.0)
        for start, end in _bursts(samples)
    )
    text = "".join(word.text for word in words).strip()
    return Hypothesis(text=text, words=words, language=request.language, confidence=1.0)


def identify(request: DecodeRequest, known: Collection[str]) -> Hypothesis:
    """Return the language of a request's audio: its first word's number selects the candidate.

    Without a word it is the first candidate, with the probability of a guess.
    """
    candidates = request.languages or tuple(sorted(known))
    words = hear(request).text.split()
    if not words:
        return Hypothesis("", (), candidates[0], 1 / len(candidates))
    language = candidates[WORDS.index(words[0]) % len(candidates)]
    return Hypothesis("", (), language, 1.0)


def _tone(number: int) -> _Samples:
    turns = np.arange(round(WORD_SECONDS * SAMPLE_RATE)) * _pitch(number) / SAMPLE_RATE
    return (_AMPLITUDE * np.sin(2 * np.pi * turns)).astype("<f4")


def _pitch(number: int) -> int:
    return _LOWEST_HERTZ + _HERTZ_APART * number


def _bursts(samples: _Samples) -> list[tuple[int, int]]:
    """Return where sound begins and ends, with dips bridged and clicks left out."""
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
    loud = np.flatnonzero(np.sqrt(np.mean(np.square(frames), axis=1)) > _LOUD)
    if not len(loud):
        return []
    breaks = [index for index, step in enumerate(np.diff(loud)) if step > _LONGEST_DIP]
    edges = [-1, *breaks, len(loud) - 1]
    bursts = [(int(loud[before + 1]), int(loud[last]) + 1) for before, last in pairwise(edges)]
    return [(a * _FRAME, b * _FRAME) for a, b in bursts if b - a >= _SHORTEST_WORD]


def _name(burst: _Samples) -> str:
    crossings = np.count_nonzero(np.diff(np.signbit(burst)))
    hertz = crossings * SAMPLE_RATE / len(burst) / 2
    return WORDS[round((hertz - _LOWEST_HERTZ) / _HERTZ_APART) % len(WORDS)]


def _suffer(hypothesis: Hypothesis, words: Collection[str]) -> Hypothesis:
    """Act on the fault words and return the remaining answer."""
    if "crash" in words:
        os.kill(os.getpid(), signal.SIGSEGV)
    if "leave" in words:
        os._exit(0)
    if "hang" in words:
        _hang()
    if "refuse" in words:
        raise RuntimeError("the audio asked for it")
    if "starve" in words:
        raise MemoryError
    if "print" in words:
        sys.stdout.write("a stray line from Python\n")
        sys.stdout.flush()
        os.write(1, b"a stray line from C\n")
    return _garble(hypothesis, words)


def _garble(hypothesis: Hypothesis, words: Collection[str]) -> Hypothesis:
    first = hypothesis.words[:1]
    nonsense: dict[str, dict[str, Any]] = {
        "nothing": {"text": None},
        "nan": {"words": tuple(msgspec.structs.replace(w, start=float("nan")) for w in first)},
        "disorder": {"words": hypothesis.words[::-1]},
        "babble": {"text": "bla " * 2_500_000},
    }
    for fault, fields in nonsense.items():
        if fault in words:
            return msgspec.structs.replace(hypothesis, **fields)
    return hypothesis


def _hang() -> NoReturn:
    while True:
        time.sleep(3600)
