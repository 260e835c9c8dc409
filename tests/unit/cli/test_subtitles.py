"""Utterances to subtitles."""

from vivavoce.cli.subtitles import cues, srt, vtt
from vivavoce.protocol.transcript import Utterance, Word


def said(text: str, start: float, end: float, *, channel: int = 0) -> Utterance:
    names = text.split()
    step = (end - start) / len(names)
    words = tuple(
        Word(f" {name}", start + at * step, start + (at + 1) * step, 0.9)
        for at, name in enumerate(names)
    )
    return Utterance(start, end, 0.9, channel, words, f" {text}", "en")


def test_a_short_utterance_is_one_cue() -> None:
    assert srt(cues([said("Hello world.", 0.188, 1.284)])) == (
        "1\n00:00:00,188 --> 00:00:01,284\nHello world.\n"
    )


def test_cues_are_numbered_and_parted_by_an_empty_line() -> None:
    text = srt(cues([said("One.", 0, 2), said("Two.", 3, 5)]))
    assert text == (
        "1\n00:00:00,000 --> 00:00:02,000\nOne.\n\n2\n00:00:03,000 --> 00:00:05,000\nTwo.\n"
    )


def test_vtt_has_its_header_and_its_own_decimal_point() -> None:
    assert vtt(cues([said("Hi there.", 3661.5, 3663.25)])) == (
        "WEBVTT\n\n01:01:01.500 --> 01:01:03.250\nHi there.\n"
    )


def test_nothing_said_makes_an_empty_but_valid_file() -> None:
    assert srt([]) == ""
    assert vtt([]) == "WEBVTT\n"


def test_vtt_text_is_escaped_and_srt_arrows_are_blunted() -> None:
    spoken = [said("a < b && c --> d", 0, 2)]
    assert "a &lt; b &amp;&amp; c --&gt; d" in vtt(cues(spoken))
    assert "a < b && c -> d" in srt(cues(spoken))


def test_a_clause_ends_a_cue_whose_second_line_has_begun() -> None:
    text = "it was the age of wisdom, it was the age of foolishness, it was the epoch"
    assert [cue.lines for cue in cues([said(text, 0, 5)])] == [
        ("it was the age of wisdom,", "it was the age of foolishness,"),
        ("it was the epoch",),
    ]


def test_the_end_of_an_utterance_does_not_glue_words_together() -> None:
    first, second = (said("one", 0, 1), said("two", 1.1, 2))
    assert cues([first, second])[0].lines == ("one two",)


def test_long_text_takes_two_even_lines() -> None:
    (cue,) = cues([said("it was the best of times it was the worst of times and", 0, 4)])
    assert cue.lines == ("it was the best of times it", "was the worst of times and")


def test_a_sentence_ends_a_cue_an_abbreviation_does_not() -> None:
    text = "Mr. Lorry had come to the inn. He asked for a room."
    assert [cue.lines for cue in cues([said(text, 0, 5)])] == [
        ("Mr. Lorry had come to the inn.",),
        ("He asked for a room.",),
    ]


def test_a_pause_inside_an_utterance_begins_a_new_cue() -> None:
    words = (Word(" yes", 0.0, 0.5, 0.9), Word(" indeed", 2.0, 2.5, 0.9))
    utterance = Utterance(0.0, 2.5, 0.9, 0, words, " yes indeed", "en")
    assert [(cue.start, cue.end) for cue in cues([utterance])] == [(0.0, 1.0), (2.0, 3.0)]


def test_a_slow_utterance_is_cut_by_time() -> None:
    words = tuple(Word(" so", at * 1.5, at * 1.5 + 1.2, 0.9) for at in range(10))
    utterance = Utterance(0.0, 15.0, 0.9, 0, words, " so" * 10, "en")
    shown = cues([utterance])
    assert len(shown) == 3
    assert all(cue.end - cue.start <= 7.0 for cue in shown)


def test_a_quick_cue_stays_long_enough_to_read_but_not_into_the_next() -> None:
    shown = cues([said("That was said very fast.", 0, 0.3), said("No.", 0.6, 0.8)])
    assert [(cue.start, cue.end) for cue in shown] == [(0, 0.6), (0.6, 1.6)]


def test_utterances_with_no_pause_to_see_between_them_share_a_cue() -> None:
    (cue,) = cues([said("Ever tried,", 0.2, 1.2), said("ever failed.", 1.7, 2.5)])
    assert cue.lines == ("Ever tried, ever failed.",)
    assert (cue.start, cue.end) == (0.2, 2.5)


def test_several_channels_are_named_and_ordered_by_time() -> None:
    spoken = [said("Hello.", 2, 3, channel=1), said("Hi.", 0, 1, channel=0)]
    assert [cue.channel for cue in cues(spoken)] == [0, 1]
    assert "[channel 1] Hello." in srt(cues(spoken))
    assert "<v Channel 1>Hello." in vtt(cues(spoken))


def test_words_can_have_a_cue_each() -> None:
    shown = cues([said("one two three", 0, 3)], word_by_word=True)
    assert [(cue.lines, cue.start) for cue in shown] == [
        (("one",), 0.0),
        (("two",), 1.0),
        (("three",), 2.0),
    ]


def test_text_without_word_times_is_shared_out_by_length() -> None:
    text = " ".join(["word"] * 40)
    utterance = Utterance(10.0, 30.0, 0.9, 0, (), f" {text}", "en")
    shown = cues([utterance])
    assert " ".join(line for cue in shown for line in cue.lines) == text
    assert shown[0].start == 10.0
    assert len(shown) > 2


def test_wide_characters_count_twice_and_need_no_spaces() -> None:
    words = tuple(Word("語", at * 0.1, at * 0.1 + 0.1, 0.9) for at in range(60))
    shown = cues([Utterance(0.0, 6.0, 0.9, 0, words, "語" * 60, "ja")])
    assert [tuple(map(len, cue.lines)) for cue in shown] == [(21, 21), (18,)]
