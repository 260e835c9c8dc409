"""Language of an utterance: the rules of the contract (§5.3) as values.

A single candidate language is used as it is. With several candidates, the language of the first
reliably identified utterance is kept for the session; guesses that are not reliable are combined.
With code switching each utterance has its own language, and an utterance without a reliable guess
keeps the previous language.
"""

from collections.abc import Collection, Sequence

import msgspec
from msgspec.structs import replace

from vivavoce.recognition.contract import SAMPLE_RATE

SURE = 0.6
"""Minimum probability, among the candidates, of a reliable guess on ``ENOUGH_SAMPLES``."""

SURE_SOONER = 0.9
"""Minimum probability of a reliable guess on ``EARLY_SAMPLES``; on less, no guess is reliable.

Guesses at these two thresholds were right in 98 and 96 of 100 cases (docs/decisions/0006).
"""

GUESS_SAMPLES = 5 * SAMPLE_RATE
"""Maximum speech, from an utterance's beginning, on which its language is guessed."""

ENOUGH_SAMPLES = 2 * SAMPLE_RATE
"""Speech, of one utterance or several together, from which the lower threshold applies."""

DECIDED_AFTER = 10 * SAMPLE_RATE
"""Speech after which the most probable language is kept, whatever its probability."""

EARLY_SAMPLES = SAMPLE_RATE
"""Speech on which the first guess is made, which at first is used for partials only."""


class LanguageRules(msgspec.Struct, frozen=True):
    """The languages of a session.

    Attributes:
        candidates: languages that may be spoken, at least one; the first is the preferred one.
        switching: whether each utterance may have a different language.
    """

    candidates: tuple[str, ...]
    switching: bool = False

    @property
    def guessing(self) -> bool:
        """Whether the language must be guessed."""
        return len(self.candidates) > 1


class Guess(msgspec.Struct, frozen=True):
    """An engine's guess of an utterance's language; ``probability`` is 0 to 1.

    ``samples`` is the length of the speech that the guess is based on.
    """

    language: str
    probability: float
    samples: int

    @property
    def sure(self) -> bool:
        """Whether the guess is reliable enough to apply to other utterances."""
        if self.samples < EARLY_SAMPLES:
            return False
        return self.probability >= (SURE if self.samples >= ENOUGH_SAMPLES else SURE_SOONER)


class Evidence(msgspec.Struct, frozen=True):
    """Speech attributed to a language, and its length weighted by probability, in samples."""

    language: str
    samples: int
    weight: float


class LanguageState(msgspec.Struct, frozen=True):
    """The decisions so far; part of the checkpoint.

    Attributes:
        latest: with code switching, the last language of each channel.
        kept: the session's language, once it is final.
        evidence: the guesses for utterances with words, until then.
    """

    latest: tuple[str | None, ...]
    kept: str | None = None
    evidence: tuple[Evidence, ...] = ()


def rules_for(
    wanted: Sequence[str], available: Collection[str], *, switching: bool
) -> LanguageRules:
    """Return the rules for a request, given the languages of the installed models.

    Args:
        wanted: codes of the request; empty means any.
        available: codes that can be decoded, the server's preferred one first.
        switching: the request's ``code_switching``.

    Raises:
        ValueError: none of the wanted languages is available.
    """
    candidates = tuple(dict.fromkeys(code for code in wanted or available if code in available))
    if not candidates:
        raise ValueError(f"none of {', '.join(wanted) or 'the languages'} can be decoded")
    return LanguageRules(candidates, switching)


def begin(rules: LanguageRules, channels: int) -> LanguageState:
    """Return the initial state; a single candidate is decided from the start."""
    kept = None if rules.guessing else rules.candidates[0]
    return LanguageState((None,) * channels, kept)


def decide(
    rules: LanguageRules, state: LanguageState, channel: int, guess: Guess
) -> tuple[str, LanguageState]:
    """Return the language of the channel's next utterance and the new state.

    Without code switching the state does not change yet: detected speech may turn out to contain
    no words, and must not determine the language of later utterances (see ``settle``).
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
    """Add the guess for an utterance with words; keep the language once there is enough speech."""
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
    """Return the evidence with a guess added."""
    before = next((each for each in evidence if each.language == guess.language), None)
    samples, weight = (before.samples, before.weight) if before else (0, 0.0)
    more = Evidence(
        guess.language, samples + guess.samples, weight + guess.probability * guess.samples
    )
    return (*(each for each in evidence if each is not before), more)


def _likeliest(evidence: Sequence[Evidence]) -> Evidence:
    return max(evidence, key=lambda each: each.weight)
