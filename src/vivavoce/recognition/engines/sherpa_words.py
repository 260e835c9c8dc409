"""Words with times from sherpa-onnx results: tokens, some with times and probabilities."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vivavoce.recognition.contract import SAMPLE_RATE, Hypothesis, SpokenWord
from vivavoce.recognition.request_audio import Floats
from vivavoce.recognition.word_times import Span, fit_to_sound

_SPACE = "\N{LOWER ONE EIGHTH BLOCK}"
_LAST_TOKEN = SAMPLE_RATE // 4
"""Longest duration in samples of a word's last token if the model reports none."""
_UNSPACED = (("\u2e80", "\u9fff"), ("\uac00", "\ud7af"), ("\uf900", "\ufaff"), ("\u0e00", "\u0eff"))
"""Scripts whose tokens need no spaces between them: CJK, Hangul syllables, Thai and Lao."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Result of a recogniser for one span.

    Attributes:
        text: the whole text.
        tokens: pieces of the text; a word begins with a space.
        starts: seconds at which each token begins; empty if the model reports none.
        log_probabilities: log probability of each token; empty if the model reports none.
        language: code of the language, if the model reports it.
    """

    text: str
    tokens: tuple[str, ...]
    starts: tuple[float, ...]
    log_probabilities: tuple[float, ...]
    language: str = ""


def hypothesis(heard: Heard, audio: Floats, language: str) -> Hypothesis:
    """Build the hypothesis for ``audio`` (samples, 16 kHz)."""
    groups = _groups(heard)
    if not groups:
        return Hypothesis("", (), heard.language or language, 0.0)
    spans = fit_to_sound(_spans(heard, groups, len(audio)), audio)
    words = tuple(
        SpokenWord(text, start, end, _confidence(heard, tokens))
        for (text, tokens), (start, end) in zip(groups, spans, strict=True)
    )
    everything = range(len(heard.tokens))
    return Hypothesis(
        "".join(word.text for word in words),
        words,
        heard.language or language,
        _confidence(heard, everything),
    )


_Group = tuple[str, Sequence[int]]
"""A word and the positions of its tokens."""


def _groups(heard: Heard) -> list[_Group]:
    """Group the tokens into words; if they do not spell the text, use the text's words."""
    tokens = [token.replace(_SPACE, " ") for token in heard.tokens]
    if "".join("".join(tokens).split()) != "".join(heard.text.split()):
        return [(f" {word}", ()) for word in heard.text.split()]
    groups: list[tuple[str, list[int]]] = []
    for position, token in enumerate(tokens):
        if not groups or token.startswith(" ") or _is_unspaced(token):
            groups.append((token, [position]))
        else:
            text, positions = groups[-1]
            groups[-1] = (text + token, [*positions, position])
    return list(_spelled(groups))


def _spelled(groups: Sequence[_Group]) -> Iterator[_Group]:
    """Yield every word with one space before it, without blank words."""
    for text, positions in groups:
        if word := text.strip():
            yield f" {word}", positions


def _is_unspaced(token: str) -> bool:
    return any(first <= token[:1] <= last for first, last in _UNSPACED)


def _spans(heard: Heard, groups: Sequence[_Group], samples: int) -> list[Span]:
    """Return approximate spans, from the tokens' times or else distributed by word length."""
    if len(heard.starts) != len(heard.tokens) or not all(positions for _, positions in groups):
        return _shared_out([len(text) for text, _ in groups], samples)
    starts = [min(int(start * SAMPLE_RATE), samples) for start in heard.starts]
    spans = []
    for _, positions in groups:
        first, last = starts[positions[0]], starts[positions[-1]]
        following = starts[positions[-1] + 1] if positions[-1] + 1 < len(starts) else samples
        spans.append((first, max(first, min(last + _LAST_TOKEN, following))))
    return spans


def _shared_out(lengths: Sequence[int], samples: int) -> list[Span]:
    total, at, spans = sum(lengths), 0, []
    for length in lengths:
        spans.append((samples * at // total, samples * (at + length) // total))
        at += length
    return spans


def _confidence(heard: Heard, positions: Sequence[int]) -> float:
    """Return the geometric mean probability of some tokens; 1 if the model reports none."""
    told = heard.log_probabilities
    if len(told) != len(heard.tokens) or not positions:
        return 1.0
    return min(1.0, math.exp(sum(told[at] for at in positions) / len(positions)))
