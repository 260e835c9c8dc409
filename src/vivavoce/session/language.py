"""In which language an utterance is decoded: the rules of the contract (§5.3) as values.

One language is simply used. Of several, that of the first utterance that is surely in one is kept
for the session; those that are not sure are taken together. With code switching each utterance has
its own, and one that is not surely in another stays with the language before it.
"""

from collections.abc import Collection, Sequence

import msgspec
from msgspec.structs import replace

from vivavoce.recognition.contract import SAMPLE_RATE

SURE = 0.6
"""Least probability, among the candidates, of a guess on ``ENOUGH_SAMPLES`` that others follow."""

SURE_SOONER = 0.9
"""The same for one on ``EARLY_SAMPLES``; one on less is never sure. Guesses that are so sure were
right in 98 and 96 of 100 cases (docs/decisions/0006)."""

GUESS_SAMPLES = 5 * SAMPLE_RATE
"""Speech from an utterance's beginning on which its language is guessed."""

ENOUGH_SAMPLES = 2 * SAMPLE_RATE
"""Speech on which a guess need not be quite so sure, of one utterance or of several together."""

DECIDED_AFTER = 10 * SAMPLE_RATE
"""Speech after which the likeliest language is kept, however unsure."""

EARLY_SAMPLES = SAMPLE_RATE
"""Speech on which a first guess is made, at first for partials alone."""


class LanguageRules(msgspec.Struct, frozen=True):
    """What a session may be spoken in.

    Attributes:
        candidates: languages that may be heard, at least one; the first is the likeliest.
        switching: whether each utterance may have another.
    """

    candidates: tuple[str, ...]
    switching: bool = False

    @property
    def guessing(self) -> bool:
        """Whether there is anything to guess."""
        return len(self.candidates) > 1


class Guess(msgspec.Struct, frozen=True):
    """What an engine takes an utterance's language to be; ``probability`` is 0 to 1.

    ``samples`` are those of the speech that it heard.
    """

    language: str
    probability: float
    samples: int

    @property
    def sure(self) -> bool:
        """Whether others may follow it."""
        if self.samples < EARLY_SAMPLES:
            return False
        return self.probability >= (SURE if self.samples >= ENOUGH_SAMPLES else SURE_SOONER)


class Evidence(msgspec.Struct, frozen=True):
    """Speech that was taken for a language, and how much of it surely was: both in samples."""

    language: str
    samples: int
    weight: float


class LanguageState(msgspec.Struct, frozen=True):
    """What has been decided; part of the checkpoint.

    Attributes:
        latest: with code switching, the language last heard on each channel.
        kept: the session's language, once it is decided for good.
        evidence: what utterances with words were taken for, until then.
    """

    latest: tuple[str | None, ...]
    kept: str | None = None
    evidence: tuple[Evidence, ...] = ()


def rules_for(
    wanted: Sequence[str], available: Collection[str], *, switching: bool
) -> LanguageRules:
    """The rules for what a request wants and what the installed models can do.

    Args:
        wanted: codes of the request; empty means any.
        available: codes that can be decoded, the server's favourite first.
        switching: the request's ``code_switching``.

    Raises:
        ValueError: nothing that is wanted is available.
    """
    candidates = tuple(dict.fromkeys(code for code in wanted or available if code in available))
    if not candidates:
        raise ValueError(f"none of {', '.join(wanted) or 'the languages'} can be decoded")
    return LanguageRules(candidates, switching)


def begin(rules: LanguageRules, channels: int) -> LanguageState:
    """Nothing heard yet; a single candidate is decided from the start."""
    kept = None if rules.guessing else rules.candidates[0]
    return LanguageState((None,) * channels, kept)


def decide(
    rules: LanguageRules, state: LanguageState, channel: int, guess: Guess
) -> tuple[str, LanguageState]:
    """The language of the channel's next utterance, and what follows from it.

    Without code switching nothing follows yet: what is taken for speech may turn out to be none,
    and must not decide for all that comes (see ``settle``).
    """
    if state.kept is not None:
        return state.kept, state
    if not rules.switching:
        return _likeliest(_with(state.evidence, guess)).language, state
    before = state.latest[channel]
    language = guess.language if guess.sure or before is None else before
    latest = tuple(
        language if index == channel else other for index, other in enumerate(state.latest)
    )
    return language, replace(state, latest=latest)


def settle(rules: LanguageRules, state: LanguageState, guess: Guess) -> LanguageState:
    """An utterance had words: once there is enough such speech, its language is kept."""
    if rules.switching or state.kept is not None:
        return state
    if guess.sure:
        return replace(state, kept=guess.language, evidence=())
    evidence = _with(state.evidence, guess)
    likeliest = _likeliest(evidence)
    heard = sum(each.samples for each in evidence)
    sure = heard >= ENOUGH_SAMPLES and likeliest.weight >= SURE * heard
    if sure or heard >= DECIDED_AFTER:
        return replace(state, kept=likeliest.language, evidence=())
    return replace(state, evidence=evidence)


def _with(evidence: Sequence[Evidence], guess: Guess) -> tuple[Evidence, ...]:
    """The evidence and one guess more."""
    before = next((each for each in evidence if each.language == guess.language), None)
    samples, weight = (before.samples, before.weight) if before else (0, 0.0)
    more = Evidence(
        guess.language, samples + guess.samples, weight + guess.probability * guess.samples
    )
    return (*(each for each in evidence if each is not before), more)


def _likeliest(evidence: Sequence[Evidence]) -> Evidence:
    return max(evidence, key=lambda each: each.weight)
