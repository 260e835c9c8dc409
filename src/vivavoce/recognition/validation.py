"""Validation of hypotheses before they are used.

Words that slightly exceed the span or overlap each other are clipped: rounding causes this in
sound engines. Larger faults count as a failure of the engine.
"""

import math
from collections.abc import Collection
from itertools import pairwise

import msgspec

from vivavoce.recognition.contract import SAMPLE_RATE, DecodeRequest, Hypothesis, SpokenWord
from vivavoce.recognition.errors import DecodeFailedError, InvalidHypothesisError
from vivavoce.recognition.frames import Answer
from vivavoce.recognition.jobs import BYTES_PER_SAMPLE
from vivavoce.recognition.replacement import cleaned

_SLACK = SAMPLE_RATE // 4
"""Samples by which a word may be out of place and still be corrected."""

# Fast speech has 25 characters per second; a looping decoder writes without end.
_CHARACTERS_PER_SECOND = 64
_CHARACTERS_AT_LEAST = 256
_LANGUAGE_CHARACTERS = 16

_decoder = msgspec.msgpack.Decoder(Hypothesis)


def read_answer(answer: Answer, request: DecodeRequest) -> Hypothesis:
    """Turn a worker's answer into a hypothesis that satisfies the contract.

    Raises:
        DecodeFailedError: the engine reported an error.
        InvalidHypothesisError: the hypothesis is malformed or beyond repair.
    """
    if answer.error:
        raise DecodeFailedError(answer.error)
    try:
        hypothesis = _decoder.decode(answer.hypothesis)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidHypothesisError(f"not a hypothesis: {error}") from error
    return checked(hypothesis, request)


def checked(hypothesis: Hypothesis, request: DecodeRequest) -> Hypothesis:
    """Return the hypothesis with small faults repaired; a sound one is returned unchanged.

    Raises:
        InvalidHypothesisError: a fault is too large to repair.
    """
    if request.purpose == "language":
        _check_language(hypothesis, request.languages)
    samples = len(request.audio) // BYTES_PER_SAMPLE
    _check_lengths(hypothesis, samples / SAMPLE_RATE)
    confidence = _probability(hypothesis.confidence)
    closing = None if hypothesis.closing is None else _probability(hypothesis.closing)
    words = _placed(hypothesis.words, samples)
    placed = msgspec.structs.replace(
        hypothesis, confidence=confidence, words=words, closing=closing
    )
    sound = cleaned(placed)
    return hypothesis if sound == hypothesis else sound


def _check_lengths(hypothesis: Hypothesis, seconds: float) -> None:
    limit = _CHARACTERS_AT_LEAST + int(_CHARACTERS_PER_SECOND * seconds)
    in_words = sum(len(word.text) for word in hypothesis.words)
    longest = max(len(hypothesis.text), in_words, len(hypothesis.words))
    if longest > limit:
        raise InvalidHypothesisError(f"{longest} characters for {seconds:.2f} s of audio")
    if not 0 < len(hypothesis.language) <= _LANGUAGE_CHARACTERS:
        raise InvalidHypothesisError("the language is missing or absurd")


def _check_language(hypothesis: Hypothesis, candidates: Collection[str]) -> None:
    if hypothesis.text or hypothesis.words:
        raise InvalidHypothesisError("words where only a language was asked for")
    if candidates and hypothesis.language not in candidates:
        raise InvalidHypothesisError(f"the language {hypothesis.language!r} was no candidate")


def _probability(value: float) -> float:
    if not math.isfinite(value):
        raise InvalidHypothesisError(f"a confidence of {value}")
    return min(max(value, 0.0), 1.0)


def _placed(words: tuple[SpokenWord, ...], samples: int) -> tuple[SpokenWord, ...]:
    """Return the words in order, without overlaps, inside the span."""
    _check_places(words, samples)
    placed: list[SpokenWord] = []
    free = 0
    for word in words:
        start = min(max(word.start, free), samples)
        end = min(max(word.end, start), samples)
        placed.append(SpokenWord(word.text, start, end, _probability(word.confidence)))
        free = end
    return tuple(placed)


def _check_places(words: tuple[SpokenWord, ...], samples: int) -> None:
    for word in words:
        inside = -_SLACK <= word.start <= word.end <= samples + _SLACK
        if not inside:
            raise InvalidHypothesisError(
                f"a word from {word.start} to {word.end} in a span of {samples} samples"
            )
    for word, following in pairwise(words):
        if following.start < max(word.start, word.end - _SLACK):
            raise InvalidHypothesisError(
                f"a word to {word.end} is followed by one from {following.start}"
            )
