"""Pipecat's Gladia service as published, in a pipeline, pointed here by its ``url``."""

import re
from pathlib import Path
from typing import Any

import pytest

from clients.conftest import Server
from clients.driving import Report, drive_python
from clients.spoken import BECKETT, MOST_WRONG, TWO_CITIES, sound, write_wav
from integration.speech import word_error_rate

BOTH = f"{TWO_CITIES.words} {BECKETT.words}"
QUIET_SECONDS = 27.0
"""Past the 20 s after which the service begins to send keep-alives, looking every 5 s."""


@pytest.fixture
def task(server: Server, tmp_path: Path) -> dict[str, Any]:
    first = write_wav(tmp_path / "first.wav", sound(TWO_CITIES, then_silent=1.5))
    second = write_wav(tmp_path / "second.wav", sound(BECKETT, then_silent=1.0))
    paths = {"first": first, "second": second}
    return {"url": server.live, "key": server.key, "quiet": QUIET_SECONDS, **paths}


def job_of(server: Server, report: Report) -> dict[str, Any]:
    named = re.search(r"\[([0-9a-f-]{36})\]", report.one("ended")["service"])
    assert named is not None
    job = server.finished(named[1])
    assert job["custom_metadata"]["pipecat"]
    return job


def test_a_pipeline_is_given_partials_and_finals_and_gives_up_on_a_session_that_has_ended(
    server: Server, task: dict[str, Any]
) -> None:
    """The service reconnects after every close, 1000 too; only a refused handshake stops it."""
    wanted = {"said": ["first"], "partials": True, "ended_elsewhere": True, "pace": 1.0}
    report = drive_python("pipecat", task | wanted)
    assert word_error_rate(TWO_CITIES.words, report.finals) <= MOST_WRONG
    assert report.of("partial")
    # It may resend its last frames before: they are refused, which it reports too.
    assert any("HTTP 403" in error["message"] for error in report.of("error"))
    assert len(report.of("connected")) <= 2
    job_of(server, report)


def test_a_pipeline_with_the_defaults_outlives_a_quiet_time_on_one_connection(
    server: Server, task: dict[str, Any]
) -> None:
    report = drive_python("pipecat", task | {"said": ["first", "second"], "pace": 2.0})
    assert report.of("keepalive"), "the quiet was too short for the service to notice it"
    assert len(report.of("connected")) == 1
    assert not report.of("error")
    assert not report.of("partial"), "the service asks for no partials by default"
    assert word_error_rate(BOTH, report.finals) <= MOST_WRONG
    job = job_of(server, report)
    heard = job["result"]["transcription"]["full_transcript"]
    assert word_error_rate(BOTH, heard) <= MOST_WRONG
