"""The JavaScript that people run: the official SDK, and the documented steps with plain ``ws``."""

from pathlib import Path

from clients.conftest import Server
from clients.driving import drive_node
from clients.spoken import BECKETT, MOST_WRONG, TWO_CITIES, silence, sound, write_wav
from integration.speech import word_error_rate


def test_the_official_sdk_completes_a_session_with_every_kind_of_audio(
    server: Server, tmp_path: Path
) -> None:
    audio = sound(TWO_CITIES)
    task = {
        "url": server.url,
        "key": server.key,
        "pace": 1.0,
        "audio": write_wav(tmp_path / "two_cities.wav", audio),
    }
    report = drive_node("sdk.mjs", task)
    assert not report.of("error")
    assert word_error_rate(TWO_CITIES.words, report.finals) <= MOST_WRONG
    assert report.of("partial"), "the SDK showed no partial transcript"
    ended = report.one("ended")
    assert ended["code"] == 1000
    assert {"start_session", "speech_start", "speech_end", "end_session"} <= set(ended["types"])
    job = report.one("job")
    assert job["status"] == "done"
    assert word_error_rate(TWO_CITIES.words, job["transcript"]) <= MOST_WRONG
    assert server.recording(report.one("started")["id"]) == audio


def test_the_documented_steps_carry_three_tracks_in_binary_and_base64(
    server: Server, tmp_path: Path
) -> None:
    tracks = {"sami": sound(TWO_CITIES), "maxime": silence(1.0), "mark": sound(BECKETT)}
    paths = [write_wav(tmp_path / f"{name}.wav", audio) for name, audio in tracks.items()]
    task = {"url": server.url, "key": server.key, "pace": 2.0, "tracks": paths}
    report = drive_node("raw.mjs", task)
    finals = report.of("final")
    assert not report.of("partial"), "partials are sent only to those who ask for them"
    assert {(final["channel"], final["id"][:2]) for final in finals} == {(0, "00"), (2, "02")}
    for channel, clip in ((0, TWO_CITIES), (2, BECKETT)):
        heard = " ".join(final["text"] for final in finals if final["channel"] == channel)
        assert word_error_rate(clip.words, heard) <= MOST_WRONG
    closed = report.one("closed")
    assert closed["code"] == 1000
    assert closed["acknowledged"] == closed["sent"] == 3 * len(tracks["mark"])
    assert report.one("job")["status"] == "done"
    job = server.finished(report.one("started")["id"])
    assert job["result"]["metadata"]["number_of_distinct_channels"] == 3
