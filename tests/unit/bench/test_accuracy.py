import json
from pathlib import Path
from typing import Any

import pytest
from accuracy.channels import number_faults, together
from accuracy.corpus import NO_SPEECH, CorpusError, Recording, read_corpus
from accuracy.scoring import (
    Errors,
    count,
    difference_interval,
    normalizer,
    pooled,
    rate_interval,
)
from accuracy.sound import Sound

from vivavoce.audio.format import AudioFormat
from vivavoce.protocol.messages import TranscriptData
from vivavoce.protocol.transcript import Utterance

LINE: dict[str, Any] = {
    "id": "en/librispeech/one",
    "file": "en/librispeech/one.flac",
    "text": "a text",
    "language": "en",
    "duration_s": 1.0,
    "kind": "read",
}


def corpus(folder: Path, *changes: dict[str, Any]) -> list[Recording]:
    """Read a manifest of the line above with these changes, one line each."""
    lines = [LINE | change for change in changes]
    for line in lines:
        path = folder / line["file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return read_corpus(folder, "en", skip={"skipped"})


def test_a_folder_without_a_manifest_is_refused_with_what_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"manifest\.jsonl is missing.*--audio wants a folder"):
        read_corpus(tmp_path, "en")


def test_a_manifest_without_a_text_in_the_language_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no recording with a text in language 'en'"):
        corpus(tmp_path, {"language": "none", "text": "", "kind": "noise"})


def test_a_recording_that_the_manifest_names_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").write_text(json.dumps(LINE))
    with pytest.raises(CorpusError, match=r"one\.flac, which is not in"):
        read_corpus(tmp_path, "en")


def test_recordings_of_other_languages_without_a_text_or_skipped_are_left_out(
    tmp_path: Path,
) -> None:
    found = corpus(tmp_path, {}, {"language": "de"}, {"text": None}, {"id": "skipped"})
    assert [recording.id for recording in found] == [LINE["id"]]


@pytest.mark.parametrize(
    ("change", "group"),
    [
        ({}, "read"),
        ({"file": "en/noisy/one.flac"}, "noisy, reverberant, faint"),
        ({"file": "en/longform/one.flac"}, "long form"),
        ({"kind": "telephony", "condition": "IVR prompt, studio voice"}, "telephone prompts"),
        ({"kind": "telephony", "condition": "gsm round trip"}, "telephone band"),
        ({"kind": "spontaneous"}, "spontaneous"),
    ],
)
def test_what_was_done_to_the_sound_chooses_the_group(
    tmp_path: Path, change: dict[str, Any], group: str
) -> None:
    assert [recording.group for recording in corpus(tmp_path, change)] == [group]


def test_recordings_without_speech_are_kept_whatever_the_language(tmp_path: Path) -> None:
    silence = {"text": "", "language": "none", "kind": "silence", "file": "none/silence/s.flac"}
    assert corpus(tmp_path, {}, silence)[1].group == NO_SPEECH


def test_each_channel_has_the_text_of_its_segments(tmp_path: Path) -> None:
    segments = [
        {"text": "one", "channel": 0},
        {"text": "two", "channel": 1},
        {"text": "three", "channel": 0},
    ]
    found = corpus(tmp_path, {"channels": 2, "segments": segments})
    assert found[0].references == ("one three", "two")


def test_errors_are_counted_after_normalisation() -> None:
    normal = normalizer("en", "read")
    found = count("Mister Hale isn't here", "Mr. Hale is not hear now!", normal)
    assert found == Errors(words=5, substitutions=1, deletions=0, insertions=1)


def test_without_a_reference_every_word_is_an_insertion() -> None:
    assert count("", "thank you", normalizer("en", "read")) == Errors(insertions=2)


@pytest.mark.parametrize("text", ["1, 2, 3", "One two three.", "123"])
def test_digits_are_the_same_however_they_are_written(text: str) -> None:
    normal = normalizer("en", "digits and letters")
    assert count("one two three", text, normal) == Errors(words=3)


def test_rates_are_pooled_over_words_not_over_recordings() -> None:
    assert pooled([Errors(90, 0, 0, 0), Errors(10, 5, 3, 2)]).rate == 10.0


def test_an_interval_holds_the_pooled_rate_and_is_the_same_each_time() -> None:
    errors = [Errors(10, wrong, 0, 0) for wrong in (0, 1, 2, 3, 4, 5, 0, 1)]
    interval = rate_interval(errors)
    assert interval is not None
    low, high = interval
    assert low < pooled(errors).rate < high
    assert rate_interval(errors) == interval


def test_recordings_with_the_same_errors_differ_by_nothing() -> None:
    errors = [Errors(10, wrong, 0, 0) for wrong in (0, 5, 9, 3, 4)]
    assert difference_interval(errors, errors) == (0.0, 0.0)


def test_a_few_recordings_have_no_interval() -> None:
    assert rate_interval([Errors(10, 1, 0, 0)] * 4) is None


def test_recordings_laid_on_channels_keep_every_sample() -> None:
    wire = AudioFormat(sample_rate=8000)
    first, second = b"\x01\x00" * 8000, b"\x02\x00" * 4000
    shared, channels = together([Sound(wire, first), Sound(wire, second)])
    assert shared.format.channels == 2
    assert shared.data[0::4] + shared.data[1::4] == channels[0].data[0::2] + channels[0].data[1::2]
    assert first in channels[0].data
    assert second in channels[1].data
    assert len(channels[0].data) == len(channels[1].data) == len(shared.data) // 2


def test_recordings_of_different_rates_do_not_fit_one_socket() -> None:
    sounds = [Sound(AudioFormat(sample_rate=rate), bytes(320)) for rate in (8000, 16_000)]
    with pytest.raises(CorpusError, match="one sample rate"):
        together(sounds)


def test_an_id_that_contradicts_its_channel_or_runs_back_is_a_fault() -> None:
    def final(name: str, channel: int) -> TranscriptData:
        spoken = Utterance(0.0, 1.0, 1.0, channel, (), " a", "en")
        return TranscriptData(name, is_final=True, utterance=spoken)

    assert number_faults([final("00_00000000", 0), final("01_00000003", 1)]) == []
    assert number_faults([final("01_00000000", 0)]) == ["id 01_00000000 on channel 0"]
    twice = [final("00_00000001", 0), final("00_00000001", 0)]
    assert number_faults(twice) == ["id 00_00000001 on channel 0"]
