"""Checks of the engine contract, ``vivavoce.recognition.contract``, one function each.

A failed check raises AssertionError with the reason. The name of a check, read as a sentence, is
its description.
"""

import math
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec
import numpy as np

from vivavoce.recognition.contract import (
    SAMPLE_RATE,
    Capabilities,
    DecodeRequest,
    Engine,
    Hypothesis,
    Purpose,
)

_BYTES = 4
_UNKNOWN_LANGUAGE = "xx-none"


@dataclass(frozen=True)
class Subject:
    """An engine under test.

    Attributes:
        load: loads the engine; called more than once.
        speech: at least two spans of different lengths with recognisable speech: float32
            little-endian samples, 16 kHz, mono.
        language: code of the language spoken.
        engine: a loaded and warmed-up engine.
    """

    load: Callable[[], Engine]
    speech: Sequence[bytes]
    language: str
    engine: Engine

    def request(self, audio: bytes, purpose: Purpose = "final") -> DecodeRequest:
        """Return a request in the subject's language."""
        return DecodeRequest(audio, purpose, self.language)

    def finals(self, engine: Engine | None = None) -> list[Hypothesis]:
        """Return the final of every span, each decoded separately."""
        return [self.decode(audio, engine=engine) for audio in self.speech]

    def decode(
        self, audio: bytes, purpose: Purpose = "final", engine: Engine | None = None
    ) -> Hypothesis:
        """Decode one span separately."""
        (heard,) = (engine or self.engine).decode([self.request(audio, purpose)])
        return heard


Check = Callable[[Subject], None]


def something_is_heard_in_speech(subject: Subject) -> None:
    """Without this check, an engine that returns no text would pass the others."""
    for number, heard in enumerate(subject.finals()):
        assert heard.text.strip(), f"span {number} of the speech gave no text"


def a_final_is_the_same_every_time(subject: Subject) -> None:
    """Earlier requests do not change a final."""
    first = subject.finals()
    _same(first, subject.finals(), "the second time")
    backwards = [subject.decode(audio) for audio in reversed(subject.speech)]
    _same(first, backwards[::-1], "in another order")


def a_final_is_the_same_from_every_worker(subject: Subject) -> None:
    """Any worker may decode a request, so a newly loaded engine returns the same final."""
    other = subject.load()
    other.warm_up()
    _same(subject.finals(), subject.finals(other), "from an engine that was loaded anew")


def a_final_is_the_same_in_a_batch(subject: Subject) -> None:
    """Other requests in a batch do not change a final; results keep the request order."""
    singles = subject.finals()
    for order in _orders(len(subject.speech)):
        batch = [subject.request(subject.speech[at]) for at in order]
        heard = subject.engine.decode(batch)
        assert len(heard) == len(batch), f"{len(heard)} answers to {len(batch)} requests"
        _same([singles[at] for at in order], heard, f"in a batch ordered {order}")


def a_final_is_the_same_after_partials(subject: Subject) -> None:
    """State that an engine keeps of growing audio is a cache and does not change the final."""
    fresh = subject.load()
    fresh.warm_up()
    untouched = subject.finals(fresh)
    for pieces in (7, 4):
        for audio, expected in zip(subject.speech, untouched, strict=True):
            samples = len(audio) // _BYTES
            for piece in range(1, pieces):
                subject.decode(audio[: _BYTES * (samples * piece // pieces)], "partial")
            _same([expected], [subject.decode(audio)], f"after {pieces - 1} partials")


def partials_are_hypotheses_too(subject: Subject) -> None:
    """Partials in a batch have the same form as finals."""
    halves = [audio[: len(audio) // 2 // _BYTES * _BYTES] for audio in subject.speech]
    batch = [subject.request(half, "partial") for half in halves]
    heard = subject.engine.decode(batch)
    assert len(heard) == len(batch), f"{len(heard)} answers to {len(batch)} requests"
    for half, hypothesis in zip(halves, heard, strict=True):
        _check_form(hypothesis, len(half) // _BYTES)


def words_spell_the_text_and_lie_inside_the_audio(subject: Subject) -> None:
    """Words are ordered and do not overlap; if the engine reports word times, none is empty."""
    for audio, heard in zip(subject.speech, subject.finals(), strict=True):
        _check_form(heard, len(audio) // _BYTES)
        if subject.engine.capabilities.word_times:
            empty = [word.text for word in heard.words if word.end <= word.start]
            assert not empty, f"words that last no time: {empty}"


def silence_gives_no_text(subject: Subject) -> None:
    """Digital silence, from one sample to five seconds, gives no text and no words."""
    for samples in (1, 160, SAMPLE_RATE, 5 * SAMPLE_RATE):
        heard = subject.decode(bytes(_BYTES * samples))
        assert not heard.text, f"{samples} samples of silence gave {heard.text!r}"
        assert not heard.words, f"{samples} samples of silence gave words"


def short_and_loud_audio_is_answered(subject: Subject) -> None:
    """Noise at full scale, from one sample to 0.1 s, gives a valid hypothesis."""
    random = np.random.default_rng(1)
    for samples in (1, 2, 161, 1600):
        audio = random.uniform(-1, 1, samples).astype("<f4").tobytes()
        _check_form(subject.decode(audio), samples)


def audio_that_is_no_sound_is_refused(subject: Subject) -> None:
    """Incomplete samples and NaN values raise ValueError; the engine remains usable."""
    nan = np.full(SAMPLE_RATE, np.nan, "<f4").tobytes()
    for audio in (subject.speech[0][:-1], nan):
        _refuses(subject, subject.request(audio))


def the_language_is_one_it_claims(subject: Subject) -> None:
    """The engine answers in a language that it claims, and refuses one that it does not claim."""
    claimed = subject.engine.capabilities.languages
    assert subject.language in claimed, f"it does not claim {subject.language}"
    for heard in subject.finals():
        assert heard.language in claimed, f"it answered in {heard.language!r}"
    assert _UNKNOWN_LANGUAGE not in claimed, "it claims a language that there is not"
    _refuses(subject, DecodeRequest(subject.speech[0], "final", _UNKNOWN_LANGUAGE))


def confidences_are_probabilities(subject: Subject) -> None:
    """Confidences are between 0 and 1, and not all 0 if the engine claims to report them."""
    told = []
    for heard in subject.finals():
        for value in (heard.confidence, *(word.confidence for word in heard.words)):
            assert math.isfinite(value), f"a confidence of {value}"
            assert 0 <= value <= 1, f"a confidence of {value}"
            told.append(value)
    if subject.engine.capabilities.confidence:
        assert max(told) > 0, "it claims to tell confidences, and all are 0"


def answers_are_plain_data(subject: Subject) -> None:
    """Capabilities and hypotheses are unchanged by serialization."""
    capabilities = subject.engine.capabilities
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(capabilities), type=Capabilities) == (
        capabilities
    ), "the capabilities changed on the way"
    for heard in subject.finals():
        wire = msgspec.msgpack.encode(heard)
        assert msgspec.msgpack.decode(wire, type=Hypothesis) == heard, "it changed on the way"
        assert pickle.loads(pickle.dumps(heard)) == heard, "it changed on the way"  # noqa: S301 # just made


def capabilities_are_sane(subject: Subject) -> None:
    """Capabilities name languages, allow a batch of at least one request, and do not change."""
    capabilities = subject.engine.capabilities
    assert capabilities.languages, "it claims no language"
    assert capabilities.max_batch >= 1, f"a batch of at most {capabilities.max_batch}"
    subject.finals()
    assert subject.engine.capabilities == capabilities, "its capabilities changed"


def warming_up_changes_nothing(subject: Subject) -> None:
    """Warming up may be repeated and does not change finals."""
    before = subject.finals()
    subject.engine.warm_up()
    _same(before, subject.finals(), "after warming up again")


def no_requests_give_no_answers(subject: Subject) -> None:
    """An empty batch returns an empty list."""
    assert subject.engine.decode([]) == [], "an empty batch gave answers"


CHECKS: tuple[Check, ...] = (
    capabilities_are_sane,
    something_is_heard_in_speech,
    a_final_is_the_same_every_time,
    a_final_is_the_same_from_every_worker,
    a_final_is_the_same_in_a_batch,
    a_final_is_the_same_after_partials,
    partials_are_hypotheses_too,
    words_spell_the_text_and_lie_inside_the_audio,
    silence_gives_no_text,
    short_and_loud_audio_is_answered,
    audio_that_is_no_sound_is_refused,
    the_language_is_one_it_claims,
    confidences_are_probabilities,
    answers_are_plain_data,
    warming_up_changes_nothing,
    no_requests_give_no_answers,
)
"""Every check, cheap ones first."""


def _check_form(heard: Hypothesis, samples: int) -> None:
    spelled = "".join(word.text for word in heard.words)
    assert spelled.strip() == heard.text.strip(), f"words {spelled!r}, text {heard.text!r}"
    for word in heard.words:
        assert word.text.strip(), "a word without letters"
        assert 0 <= word.start <= word.end <= samples, (
            f"{word.text!r} lies from {word.start} to {word.end} in {samples} samples"
        )
    for word, following in pairwise(heard.words):
        assert word.end <= following.start, f"{following.text!r} begins before {word.text!r} ends"


def _same(expected: Sequence[Hypothesis], found: Sequence[Hypothesis], when: str) -> None:
    for first, second in zip(expected, found, strict=True):
        assert first == second, f"{when} {first.text!r} became {second.text!r}"


def _refuses(subject: Subject, request: DecodeRequest) -> None:
    try:
        subject.engine.decode([request])
    except ValueError:
        return
    raise AssertionError("it answered instead of raising ValueError")


def _orders(count: int) -> list[list[int]]:
    """Return two orders of a batch: forward and reversed."""
    return [list(range(count)), list(reversed(range(count)))]
