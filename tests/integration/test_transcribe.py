"""``vivavoce transcribe`` as a user runs it, against a stand-in for the server."""

import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from integration.protocol_double import KEY, ProtocolDouble, running, transcript

SAYS = [
    transcript("It was the", 0.2, 0.9, final=False),
    transcript("It was the best of times.", 0.2, 1.6),
    transcript("It was the worst of times.", 1.9, 3.2, number=1),
]
SAMPLES = np.random.default_rng(5).integers(-3000, 3000, 16_000 * 2).astype("<i2")


@dataclass
class Run:
    code: int
    out: str
    err: str


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    path = tmp_path / "speech.wav"
    soundfile.write(path, SAMPLES, 16_000, subtype="PCM_16")
    return path


async def start(
    *arguments: str | Path, url: str = "", key: str = KEY
) -> asyncio.subprocess.Process:
    environment = {**os.environ, "VIVAVOCE_API_KEY": key, "COLUMNS": "200"}
    if url:
        environment["VIVAVOCE_URL"] = url
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "vivavoce",
        "transcribe",
        *map(str, arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )


async def finish(process: asyncio.subprocess.Process) -> Run:
    out, err = await process.communicate()
    assert process.returncode is not None
    return Run(process.returncode, out.decode(), err.decode())


async def run(*arguments: str | Path, url: str = "", key: str = KEY) -> Run:
    return await finish(await start(*arguments, url=url, key=key))


async def test_finals_are_printed_one_a_line(speech: Path) -> None:
    double = ProtocolDouble(says=SAYS)
    async with running(double) as url:
        done = await run(speech, "--fast", "--language", "en", url=url)
    assert done == Run(0, "It was the best of times.\nIt was the worst of times.\n", "")
    assert double.stored == SAMPLES.tobytes()
    body = json.loads(double.requests[0][2])
    assert body["language_config"]["languages"] == ["en"]
    assert not body["messages_config"]["receive_partial_transcripts"]


async def test_a_line_that_is_cut_changes_nothing(speech: Path) -> None:
    double = ProtocolDouble(says=SAYS, drops=[(10_000, None), (40_000, 1012)])
    async with running(double) as url:
        done = await run(speech, "--fast", url=url)
    assert done.out == "It was the best of times.\nIt was the worst of times.\n"
    assert double.stored == SAMPLES.tobytes()


async def test_words_have_a_line_each(speech: Path) -> None:
    async with running(ProtocolDouble(says=SAYS[1:2])) as url:
        done = await run(speech, "--fast", "--words", url=url)
    assert done.out.splitlines()[:2] == [
        "    0.200     0.433 It",
        "    0.433     0.667 was",
    ]


async def test_json_is_a_message_a_line(speech: Path) -> None:
    double = ProtocolDouble(says=SAYS, raw=['{"type":"weather","sky":"blue"}'])
    async with running(double) as url:
        done = await run(speech, "--fast", "--format", "json", "--partials", url=url)
    messages = [json.loads(line) for line in done.out.splitlines()]
    kinds = [message["type"] for message in messages]
    assert kinds == ["weather", "stop_recording", *["transcript"] * 3]
    assert messages[-1]["data"]["utterance"]["text"] == " It was the worst of times."


async def test_subtitles_are_written_to_a_file(speech: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.srt"
    async with running(ProtocolDouble(says=SAYS)) as url:
        done = await run(speech, "--fast", "--format", "srt", "--output", path, url=url)
    assert done == Run(0, "", "")
    assert path.read_text() == (
        "1\n00:00:00,200 --> 00:00:01,600\nIt was the best of times.\n\n"
        "2\n00:00:01,900 --> 00:00:03,200\nIt was the worst of times.\n"
    )


async def test_the_first_interrupt_stops_and_keeps_what_is_final(speech: Path) -> None:
    double = ProtocolDouble(says=SAYS)
    async with running(double) as url:
        process = await start(speech, "--format", "vtt", url=url, key=KEY)
        await double.heard.wait()
        process.send_signal(signal.SIGINT)
        done = await finish(process)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("WEBVTT\n\n00:00:00.200 --> 00:00:01.600\nIt was")
    assert double.stops == 1
    assert len(double.stored) < len(SAMPLES.tobytes())


async def test_a_session_that_breaks_off_still_writes_its_finals(speech: Path) -> None:
    double = ProtocolDouble(says=SAYS, drops=[(20_000, 4409)])
    async with running(double) as url:
        done = await run(speech, "--fast", "--format", "vtt", url=url)
    assert done.code == 1
    assert done.out == "WEBVTT\n"
    assert "4409" in done.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.wav"], "there is no file none.wav"),
        ([__file__], "cannot be read as audio"),
        (["{speech}", "--url", "nonsense"], "no address of a server"),
        (["{speech}", "--endpointing", "0"], "--endpointing"),
        (["{speech}", "--output", "/nowhere/at/all"], "cannot write /nowhere/at/all"),
    ],
)
async def test_bad_input_is_one_clear_sentence(
    speech: Path, arguments: list[str], words: str
) -> None:
    done = await run(*(argument.format(speech=speech) for argument in arguments))
    assert done.code == 2
    assert words in done.err
    assert "Traceback" not in done.err


async def test_a_refused_configuration_is_the_users_to_correct(speech: Path) -> None:
    body = b'{"message":"Invalid parameter(s)","validation_errors":["languages.0 must be one"]}'
    async with running(ProtocolDouble(init_error=(400, body))) as url:
        done = await run(speech, "--language", "xx", url=url)
    assert done.code == 2
    assert "languages.0 must be one" in done.err


async def test_a_wrong_key_and_a_dead_server_are_failures(speech: Path) -> None:
    async with running(ProtocolDouble()) as url:
        refused = await run(speech, url=url, key="wrong")
    gone = await run(speech, url="http://127.0.0.1:1")
    assert (refused.code, gone.code) == (1, 1)
    assert "gladia user not found" in refused.err
    assert "no answer from http://127.0.0.1:1" in gone.err
    assert "Traceback" not in refused.err + gone.err
