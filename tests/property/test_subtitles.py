"""Whatever is said, subtitles keep every word, in lines that fit and times that run forward."""

import re

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from vivavoce.cli.subtitles import MAX_LINE, Cue, cues, srt, vtt
from vivavoce.protocol.transcript import Utterance, Word

TIME = r"\d{2,}:\d\d:\d\d"
SRT_CUE = re.compile(rf"\d+\n{TIME},\d{{3}} --> {TIME},\d{{3}}\n.+(\n.+)?\n")
VTT_CUE = re.compile(rf"{TIME}\.\d{{3}} --> {TIME}\.\d{{3}}\n.+(\n.+)?\n")

names = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=60)


@st.composite
def utterances(draw: st.DrawFn) -> list[Utterance]:
    spoken = []
    at = dict.fromkeys(range(3), 0.0)
    for _ in range(draw(st.integers(0, 4))):
        channel = draw(st.integers(0, 2))
        words = []
        for _ in range(draw(st.integers(1, 12))):
            start = at[channel] + draw(st.floats(0, 1.5))
            end = at[channel] = start + draw(st.floats(0, 2))
            words.append(Word(f" {draw(names)}", start, end, 1.0))
        text = "".join(word.word for word in words)
        start, end = words[0].start, words[-1].end
        timed = tuple(words) if draw(st.booleans()) else ()
        spoken.append(Utterance(start, end, 1.0, channel, timed, text, "en"))
    return spoken


def letters(text: str) -> str:
    return "".join(text.split())


@given(utterances(), st.booleans())
def test_every_word_is_shown_once(spoken: list[Utterance], word_by_word: bool) -> None:  # noqa: FBT001  hypothesis hands it over
    shown = cues(spoken, word_by_word=word_by_word)
    several = len({utterance.channel for utterance in spoken}) > 1
    for channel in {utterance.channel for utterance in spoken}:
        own = [cue for cue in shown if cue.channel == (channel if several else None)]
        said = "".join(u.text for u in spoken if u.channel == channel)
        assert letters("".join("".join(cue.lines) for cue in own)) == letters(said)


def fits(cue: Cue) -> bool:
    return len(cue.lines) <= 2 and all(cell_len(line) <= MAX_LINE for line in cue.lines)


@given(utterances())
def test_cues_fit_and_run_forward(spoken: list[Utterance]) -> None:
    shown = cues(spoken)
    assert all(map(fits, shown))
    assert all(cue.end > cue.start for cue in shown)
    assert [cue.start for cue in shown] == sorted(cue.start for cue in shown)


@given(utterances())
def test_both_formats_hold_their_grammar(spoken: list[Utterance]) -> None:
    shown = cues(spoken)
    blocks = srt(shown).split("\n\n") if shown else []
    assert len(blocks) == len(shown)
    assert all(SRT_CUE.fullmatch(block.rstrip("\n") + "\n") for block in blocks)
    header, *rest = vtt(shown).split("\n\n")
    assert header.strip() == "WEBVTT"
    assert len(rest) == len(shown)
    for block in rest:
        assert VTT_CUE.fullmatch(block.rstrip("\n") + "\n")
        assert block.count("-->") == 1
