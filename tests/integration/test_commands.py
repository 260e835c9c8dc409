"""``vivavoce transcribe`` of real speech through a server that runs already."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from integration.server_process import KEY, ServerProcess, clean_environment
from integration.speech import TIMES, spoken, word_error_rate
from integration.wire import finals
from vivavoce.audio.format import AudioFormat

NOWHERE = "http://127.0.0.1:1"


def run(*arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """The command, run to its end."""
    return subprocess.run(
        [sys.executable, "-m", "vivavoce", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=clean_environment() | settings,
    )


@pytest.fixture
def recording(models: Path, tmp_path: Path) -> Path:
    """A file of speech in a format that the wire must be told."""
    del models
    speech = spoken(TIMES, AudioFormat(bit_depth=24, sample_rate=48000))
    path = tmp_path / "speech.flac"
    file = soundfile.SoundFile(path, "w", 48000, 1, "PCM_24", format="FLAC")
    with file:
        file.buffer_write(_as_int32(speech.audio), dtype="int32")
    return path


def _as_int32(packed: bytes) -> bytes:
    return b"".join(b"\0" + packed[at : at + 3] for at in range(0, len(packed), 3))


def there(server: ServerProcess) -> list[str]:
    return ["--fast", "--url", server.url, "--api-key", KEY]


def test_a_file_becomes_text(server: ServerProcess, recording: Path) -> None:
    done = run("transcribe", recording, *there(server))
    assert done.returncode == 0, done.stderr
    assert word_error_rate(TIMES.words, done.stdout) == 0


def test_a_file_becomes_messages(server: ServerProcess, recording: Path) -> None:
    done = run("transcribe", recording, *there(server), "--format", "json")
    assert done.returncode == 0, done.stderr
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    heard = "".join(data["utterance"]["text"] for data in finals(messages))
    assert word_error_rate(TIMES.words, heard) == 0
    assert messages[-1]["type"] == "end_session"


@pytest.mark.parametrize(("kind", "mark"), [("srt", ","), ("vtt", ".")])
def test_a_file_becomes_subtitles(
    server: ServerProcess, recording: Path, tmp_path: Path, kind: str, mark: str
) -> None:
    target = tmp_path / f"speech.{kind}"
    done = run("transcribe", recording, *there(server), "--format", kind, "--output", target)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    written = target.read_text()
    time = rf"\d\d:\d\d:\d\d{re.escape(mark)}\d\d\d"
    cues = re.findall(rf"^{time} --> {time}$\n((?:.+\n?)+)", written, re.MULTILINE)
    assert cues
    assert word_error_rate(TIMES.words, " ".join(cues)) == 0
    assert written.startswith("WEBVTT\n" if kind == "vtt" else "1\n")


def test_a_language_without_a_model_is_told_with_exit_code_2(
    english_only: ServerProcess, recording: Path
) -> None:
    done = run("transcribe", recording, *there(english_only), "--language", "ja")
    assert done.returncode == 2
    assert_one_line(done, "ja")


def test_a_wrong_key_and_a_server_that_is_not_there_are_told_with_exit_code_1(
    server: ServerProcess, recording: Path
) -> None:
    refused = run("transcribe", recording, "--url", server.url, "--api-key", "wrong")
    assert refused.returncode == 1
    assert_one_line(refused, "key")
    lost = run("transcribe", recording, "--url", NOWHERE)
    assert lost.returncode == 1
    assert_one_line(lost, NOWHERE)


def assert_one_line(done: subprocess.CompletedProcess[str], words: str) -> None:
    """Nothing on standard output, and one line for people on standard error."""
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert words in line
