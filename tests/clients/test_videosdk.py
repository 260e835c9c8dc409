"""The VideoSDK plugin as published, but for its address, which is a constant of its module."""

from pathlib import Path

from clients.conftest import Server
from clients.driving import drive_python
from clients.spoken import MOST_WRONG, TWO_CITIES, sound, write_wav
from integration.speech import word_error_rate


def test_a_room_is_given_partials_and_finals(server: Server, tmp_path: Path) -> None:
    """It leaves as soon as it has said stop, so like a room it goes on a little after the words."""
    audio = sound(TWO_CITIES, then_silent=1.5)
    path = write_wav(tmp_path / "speech.wav", audio)
    task = {"url": server.live, "key": server.key, "pace": 1.0, "audio": path}
    report = drive_python("videosdk", task)
    assert word_error_rate(TWO_CITIES.words, report.finals) <= MOST_WRONG
    assert report.of("partial")
    assert not report.of("error")
    job = server.finished(report.one("ended")["session"])
    assert (
        word_error_rate(TWO_CITIES.words, job["result"]["transcription"]["full_transcript"])
        <= MOST_WRONG
    )
    assert server.recording(job["id"]) == audio, "the room's stereo, mixed down again"
