"""The LiveKit plugin as published, pointed here by its ``base_url``."""

from pathlib import Path
from typing import Any

import pytest

from clients.conftest import Server
from clients.driving import Report, drive_python
from clients.spoken import MOST_WRONG, RATE, TWO_CITIES, silence, sound, write_wav
from integration.speech import word_error_rate

BEFORE_FLUSH = "It was the best of times, it was the worst of times"
FLUSHED_FRAME = 233
"""The 20 ms frame in the pause after those words; its end is no multiple of the plugin's 100 ms,
so something is left to flush, without which the plugin would not stop at a flush."""


@pytest.fixture
def task(server: Server) -> dict[str, Any]:
    return {"url": server.live, "key": server.key, "pace": 1.0}


def session_of(report: Report) -> str:
    (session,) = {event["session"] for event in report.events if event.get("session")}
    assert isinstance(session, str)
    return session


def test_a_stream_shows_partials_and_finals_and_ends(
    server: Server, task: dict[str, Any], tmp_path: Path
) -> None:
    """It leaves as soon as it has said stop, so like a room it goes on a little after the words."""
    audio = sound(TWO_CITIES, then_silent=1.5)
    path = write_wav(tmp_path / "two_cities.wav", audio)
    report = drive_python("livekit", task | {"mode": "stream", "audio": path})
    assert word_error_rate(TWO_CITIES.words, report.finals) <= MOST_WRONG
    assert report.of("partial"), "the plugin asks for partials by default"
    others = [event["type"] for event in report.of("other")]
    assert others.count("start_of_speech") == others.count("end_of_speech") > 0
    assert all(final["language"] == "en" and final["words"] for final in report.of("final"))
    report.one("ended")
    job = server.finished(session_of(report))
    assert job["custom_metadata"]["livekit"]
    assert server.recording(job["id"]) == audio


def test_audio_and_a_second_stop_after_a_flush_are_no_fault(
    server: Server, task: dict[str, Any], tmp_path: Path
) -> None:
    """The plugin stops the recording at the flush, sends on, stops again and leaves."""
    path = write_wav(tmp_path / "two_cities.wav", sound(TWO_CITIES))
    wanted = {"mode": "stream", "audio": path, "flush_at": FLUSHED_FRAME}
    report = drive_python("livekit", task | wanted)
    report.one("ended")
    job = server.finished(session_of(report))
    assert word_error_rate(BEFORE_FLUSH, job["result"]["transcription"]["full_transcript"]) == 0
    kept = server.recording(job["id"])
    assert len(kept) == (FLUSHED_FRAME + 1) * 2 * RATE // 50
    assert sound(TWO_CITIES).startswith(kept)


def test_a_clip_is_recognized(server: Server, task: dict[str, Any], tmp_path: Path) -> None:
    path = write_wav(tmp_path / "two_cities.wav", sound(TWO_CITIES))
    report = drive_python("livekit", task | {"mode": "recognize", "audio": path})
    assert word_error_rate(TWO_CITIES.words, report.finals) <= MOST_WRONG
    server.finished(session_of(report))


def test_a_clip_of_silence_is_recognized_as_nothing(
    server: Server, task: dict[str, Any], tmp_path: Path
) -> None:
    path = write_wav(tmp_path / "silence.wav", silence(2.0))
    report = drive_python("livekit", task | {"mode": "recognize", "audio": path})
    assert report.one("final")["text"] == ""
    server.finished(session_of(report))
