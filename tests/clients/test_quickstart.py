"""The documented steps with the plainest tools: ``curl`` for HTTP, frames of our own making."""

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from clients.conftest import DONE_TIMEOUT, Server
from clients.spoken import BECKETT, MOST_WRONG, RATE, TWO_CITIES, sound
from integration.speech import word_error_rate

FORMAT = {"encoding": "wav/pcm", "sample_rate": RATE, "bit_depth": 16, "channels": 1}
CHUNK = 3200
PACE = 4.0
"""Faster than speech: partials are not looked at here."""


@pytest.fixture
def curl(server: Server) -> "Curl":
    program = shutil.which("curl")
    if program is None:
        pytest.skip("there is no curl on this machine")
    return Curl(program, server)


class Curl:
    """HTTP by hand."""

    def __init__(self, program: str, server: Server) -> None:
        self._program = program
        self._server = server

    def __call__(self, method: str, path: str, *options: str) -> bytes:
        """The body of the answer; a status of 400 and above fails."""
        key = f"x-gladia-key: {self._server.key}"
        asked = ["--request", method, "--url", self._server.live + path, "--header", key]
        command = [self._program, "--silent", "--show-error", "--fail-with-body", *asked, *options]
        return subprocess.run(command, capture_output=True, check=True, timeout=30).stdout

    def begin(self) -> tuple[str, str]:
        """The id and the address of a new session."""
        content = ("--header", "Content-Type: application/json")
        answer = json.loads(self("POST", "", *content, "--data", json.dumps(FORMAT)))
        return answer["id"], answer["url"]

    def finished(self, session: str) -> dict[str, Any]:
        until = time.monotonic() + DONE_TIMEOUT
        while True:
            job: dict[str, Any] = json.loads(self("GET", f"/{session}"))
            if job["status"] == "done" or time.monotonic() > until:
                assert job["status"] == "done", job
                return job
            time.sleep(0.1)


def frames(audio: bytes) -> Iterator[bytes]:
    for at in range(0, len(audio), CHUNK):
        time.sleep(CHUNK / (2 * RATE) / PACE)
        yield audio[at : at + CHUNK]


def as_json(chunk: bytes) -> str:
    data = {"chunk": base64.b64encode(chunk).decode()}
    return json.dumps({"type": "audio_chunk", "data": data})


def received(socket: ClientConnection) -> tuple[list[dict[str, Any]], int | None]:
    """Every message until the close, and its code."""
    messages = []
    while True:
        try:
            messages.append(json.loads(socket.recv(timeout=60)))
        except ConnectionClosed:
            return messages, socket.close_code


@pytest.mark.parametrize("kind", ["binary", "base64"])
def test_the_documented_steps_end_with_the_whole_transcript(curl: Curl, kind: str) -> None:
    session, url = curl.begin()
    audio = sound(BECKETT)
    with connect(url) as socket:
        for chunk in frames(audio):
            socket.send(chunk if kind == "binary" else as_json(chunk))
        socket.send(json.dumps({"type": "stop_recording"}))
        messages, code = received(socket)
    assert code == 1000
    finals = [message["data"] for message in messages if message["type"] == "transcript"]
    assert all(final["is_final"] for final in finals)
    heard = " ".join(final["utterance"]["text"] for final in finals)
    assert word_error_rate(BECKETT.words, heard) <= MOST_WRONG
    acks = [message["data"] for message in messages if message["type"] == "audio_chunk"]
    assert acks[0] == {"byte_range": [0, CHUNK], "time_range": [0, 0.1]}
    assert acks[-1]["byte_range"][1] == len(audio)
    job = curl.finished(session)
    assert word_error_rate(heard, job["result"]["transcription"]["full_transcript"]) == 0


def test_closing_with_1000_instead_of_a_stop_gives_the_same_result(
    curl: Curl, tmp_path: Path
) -> None:
    session, url = curl.begin()
    audio = sound(TWO_CITIES)
    with connect(url, max_queue=None) as socket:  # it cannot close while what came is unread
        for chunk in frames(audio):
            socket.send(chunk)
        socket.close(1000)
    job = curl.finished(session)
    assert (
        word_error_rate(TWO_CITIES.words, job["result"]["transcription"]["full_transcript"])
        <= MOST_WRONG
    )
    wav = tmp_path / "recording.wav"
    curl("GET", f"/{session}/file", "--output", str(wav))
    assert wav.read_bytes().endswith(audio)
    curl("DELETE", f"/{session}")
    with pytest.raises(subprocess.CalledProcessError):
        curl("GET", f"/{session}")
