"""Our client, our commands and our server together, on real speech."""

import asyncio
import io
import random
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import jiwer
import pytest
import soundfile
from whisper_normalizer.english import EnglishTextNormalizer

from integration.cutting_proxy import CuttingProxy
from vivavoce.cli.audio_file import AudioFile, declared, open_audio
from vivavoce.cli.failures import ServerStartError
from vivavoce.cli.own_server import OwnServer, own_server
from vivavoce.cli.sample import sample_path
from vivavoce.client import Backoff, Client, Message
from vivavoce.protocol.messages import Transcript
from vivavoce.protocol.request import InitRequest, LanguageConfig
from vivavoce.protocol.transcript import Utterance

SECONDS = 13.0
SPOKEN = """it was the best of times, it was the worst of times, it was the age of wisdom,
it was the age of foolishness, it was the epoch of belief, it was the epoch of incredulity"""


@pytest.fixture(scope="module")
def speech() -> AudioFile:
    try:
        return open_audio(sample_path(None))
    except ServerStartError as error:
        pytest.skip(str(error))


def words(text: str) -> str:
    return str(EnglishTextNormalizer()(text))


async def transcribed(
    url: str, server: OwnServer, speech: AudioFile
) -> tuple[dict[str, Utterance], bytes]:
    """Finals of a session, and the samples of its recording."""
    request = InitRequest(**declared(speech.format), language_config=LanguageConfig(("en",)))
    async with Client(url, server.api_key) as client:
        session = await client.create(request, backoff=Backoff(base=0.05, cap=0.2))
        async with session:
            for chunk in speech.chunks(SECONDS):
                await session.send_audio(chunk)
                await asyncio.sleep(0.002)  # many frames, and acknowledgements in between
            await session.stop()
            finals = _finals([message async for message in session])
        recording = b"".join([piece async for piece in client.file(session.id)])
    with soundfile.SoundFile(io.BytesIO(recording)) as file:
        return finals, bytes(file.buffer_read(dtype="int16"))


def _finals(messages: Sequence[Message]) -> dict[str, Utterance]:
    heard = [m.data for m in messages if isinstance(m, Transcript) and m.data.is_final]
    assert len({data.id for data in heard}) == len(heard)
    return {data.id: data.utterance for data in heard}


async def test_the_recording_is_what_was_sent_and_the_text_what_was_said(
    speech: AudioFile,
) -> None:
    async with own_server() as server:
        finals, recording = await transcribed(server.url, server, speech)
    assert recording == b"".join(speech.chunks(SECONDS))
    said = "".join(utterance.text for utterance in finals.values())
    assert jiwer.wer(words(SPOKEN), words(said)) < 0.1


async def test_a_line_that_is_cut_again_and_again_changes_no_byte_and_no_word(
    speech: AudioFile,
) -> None:
    cuts = [random.Random(11).randrange(20_000, 300_000) for _ in range(8)]
    async with own_server() as server:
        finals, recording = await transcribed(server.url, server, speech)
        proxy = CuttingProxy(server.url, cuts)
        async with proxy.running() as url:
            cut_finals, cut_recording = await transcribed(url, server, speech)
    assert proxy.sockets > 4
    assert all("position=" in address for address in proxy.addresses)
    assert cut_recording == recording
    assert cut_finals == finals


async def test_the_demo_shows_finals_and_the_result(speech: AudioFile) -> None:
    del speech
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "vivavoce", "demo", "--seconds", "9"),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    text = out.decode()
    finals = re.findall(r"^final \[[\d.]+–[\d.]+\] (.+)$", text, re.MULTILINE)  # noqa: RUF001  an en dash
    expected = words(SPOKEN.partition(" it was the epoch")[0])
    assert process.returncode == 0
    assert jiwer.wer(expected, words(" ".join(finals))) < 0.2
    assert re.search(r"^partial ", text, re.MULTILINE)
    assert '"status": "done"' in text


async def test_a_server_of_its_own_writes_subtitles(speech: AudioFile, tmp_path: Path) -> None:
    path = tmp_path / "speech.vtt"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "vivavoce", "transcribe", str(speech.path), "--fast"),
        *("--language", "en", "--format", "vtt", "--output", str(path)),
    )
    assert await process.wait() == 0
    lines = path.read_text().splitlines()
    assert lines[0] == "WEBVTT"
    shown = " ".join(line for line in lines[1:] if line and "-->" not in line)
    assert words(SPOKEN)[:60] == words(shown)[:60]
