"""Converts utterances to subtitles with readable cues, as SRT and as WebVTT.

A cue has at most two lines of 42 cells (a wide character takes two) and seven seconds. It breaks
at a pause or the end of a sentence or clause if there is one.
"""

import html
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from rich.cells import cell_len, chop_cells

from vivavoce.protocol.transcript import Utterance

MAX_LINE = 42
MAX_SECONDS = 7.0
MIN_SECONDS = 1.0
PAUSE = 0.8
"""Seconds of silence between two words of an utterance that start a new cue."""
SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？", "؟", "।")  # noqa: RUF001  other scripts' marks
SENTENCE_CELLS = 21
"""A sentence's end breaks a cue only after half a line, so that "Mr." and "No." do not."""
CLAUSE_ENDS = (",", ";", ":", "，", "、", "；", "：", "،", "؛")  # noqa: RUF001  other scripts' marks
CLAUSE_CELLS = MAX_LINE
"""A clause's end breaks a cue that has begun its second line."""
CLAUSE_BONUS = 12
"""Cells by which a line break at a clause's end may make the lines less even."""


@dataclass(frozen=True, slots=True)
class Cue:
    """Text for a span of time, in seconds; ``channel`` is set only if there are several."""

    start: float
    end: float
    lines: tuple[str, ...]
    channel: int | None = None


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    start: float
    end: float


def cues(utterances: Iterable[Utterance], *, word_by_word: bool = False) -> list[Cue]:
    """Cut utterances into cues, in the order of time.

    Args:
        utterances: the finals, in any order.
        word_by_word: one cue per word.
    """
    spoken = list(utterances)
    several = len({utterance.channel for utterance in spoken}) > 1
    found = []
    for channel in sorted({utterance.channel for utterance in spoken}):
        own = sorted((u for u in spoken if u.channel == channel), key=lambda u: u.start)
        found += _timed(list(_cut(own, channel if several else None, word_by_word)))
    return sorted(found, key=lambda cue: (cue.start, cue.channel or 0))


def srt(shown: Sequence[Cue]) -> str:
    """Format cues as SubRip; it has no escapes, and channels are named in the text."""
    blocks = []
    for number, cue in enumerate(shown, start=1):
        times = f"{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}"
        text = "\n".join(cue.lines).replace("-->", "->")
        blocks.append(f"{number}\n{times}\n{_label(cue.channel)}{text}\n")
    return "\n".join(blocks)


def vtt(shown: Sequence[Cue]) -> str:
    """Format cues as WebVTT; a channel is a ``v`` (voice) span."""
    blocks = ["WEBVTT\n"]
    for cue in shown:
        times = f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}"
        text = html.escape("\n".join(cue.lines), quote=False)
        voice = "" if cue.channel is None else f"<v Channel {cue.channel}>"
        blocks.append(f"{times}\n{voice}{text}\n")
    return "\n".join(blocks)


def _label(channel: int | None) -> str:
    return "" if channel is None else f"[channel {channel}] "


def _clock(seconds: float, point: str) -> str:
    """Format a time as ``01:02:03,456``."""
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    minutes, second = divmod(whole, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02}:{minute:02}:{second:02}{point}{milliseconds:03}"


def _cut(spoken: Sequence[Utterance], channel: int | None, word_by_word: bool) -> Iterator[Cue]:  # noqa: FBT001  private, named at the one call
    """Yield one channel's cues, which may join utterances separated by very short pauses."""
    room = MAX_LINE - len(_label(channel))
    tokens = [token for utterance in spoken for token in _tokens(utterance, room)]
    groups = [[token] for token in tokens] if word_by_word else _groups(tokens, room)
    for group in groups:
        # A single token always fits; a group grows only while it fits.
        lines = _layout(group, room) or (group[0].text.strip(),)
        yield Cue(group[0].start, max(token.end for token in group), lines, channel)


def _tokens(utterance: Utterance, room: int) -> Iterator[_Token]:
    """Yield words with plain spaces, no longer than a line, with times even without word times."""
    words = [(" ".join(w.word.split()), w.word[:1].isspace(), w) for w in utterance.words]
    timed = [_Token(f" {text}" if apart else text, w.start, w.end) for text, apart, w in words]
    if not utterance.words:
        timed = _spread([f" {text}" for text in utterance.text.split()], utterance)
    for token in timed:
        if cell_len(token.text.strip()) <= room:
            yield token
        else:
            yield from _spread(chop_cells(token.text.strip(), room), token)


def _spread(texts: Sequence[str], span: Utterance | _Token) -> list[_Token]:
    """Divide the span's time among the texts by their length."""
    rate = (span.end - span.start) / max(1, sum(map(len, texts)))
    ends = [span.start + rate * length for length in accumulate(map(len, texts))]
    return list(map(_Token, texts, [span.start, *ends], ends))


def _groups(tokens: Iterable[_Token], room: int) -> Iterator[list[_Token]]:
    """Group the tokens into runs that fit into one cue each."""
    group: list[_Token] = []
    for token in tokens:
        if group and _breaks(group, token, room):
            yield group
            group = []
        group.append(token)
    if group:
        yield group


def _breaks(group: Sequence[_Token], following: _Token, room: int) -> bool:
    text = _joined(group)
    size = cell_len(text)
    sentence = text.endswith(SENTENCE_ENDS) and size >= SENTENCE_CELLS
    clause = text.endswith(CLAUSE_ENDS) and size > CLAUSE_CELLS
    pause = following.start - group[-1].end > PAUSE
    long = following.end - group[0].start > MAX_SECONDS
    return sentence or clause or pause or long or _layout([*group, following], room) is None


def _layout(tokens: Sequence[_Token], room: int) -> tuple[str, ...] | None:
    """Lay out one line, or two of similar length; return None if the text does not fit."""
    text = _joined(tokens)
    if cell_len(text) <= room:
        return (text,)
    splits = [(_joined(tokens[:at]), _joined(tokens[at:])) for at in range(1, len(tokens))]
    fitting = [
        (upper, lower)
        for upper, lower in splits
        if cell_len(upper) <= room and cell_len(lower) <= MAX_LINE
    ]
    return min(fitting, key=_unevenness, default=None)


def _unevenness(lines: tuple[str, str]) -> int:
    upper, lower = lines
    bonus = CLAUSE_BONUS if upper.endswith(SENTENCE_ENDS + CLAUSE_ENDS) else 0
    return abs(cell_len(upper) - cell_len(lower)) - bonus


def _joined(tokens: Sequence[_Token]) -> str:
    return "".join(token.text for token in tokens).strip()


def _timed(channel_cues: Sequence[Cue]) -> list[Cue]:
    """Extend cues to a readable duration, without overlap within a channel."""
    result = []
    for at, cue in enumerate(channel_cues):
        end = max(cue.end, cue.start + MIN_SECONDS)
        if at + 1 < len(channel_cues) and channel_cues[at + 1].start > cue.start:
            end = min(end, channel_cues[at + 1].start)
        result.append(replace(cue, end=end))
    return result
