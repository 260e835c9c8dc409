"""Transcribes recordings with a real server: its API, its WebSockets and its results."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from accuracy.sound import Sound
from vivavoce.cli.audio_file import declared
from vivavoce.cli.own_server import own_server
from vivavoce.cli.pacing import at_full_speed
from vivavoce.cli.streaming import stream
from vivavoce.client import Client, Job, Message, VivavoceError
from vivavoce.protocol.messages import AudioChunkAck, ErrorMessage, Transcript, TranscriptData
from vivavoce.protocol.request import InitRequest, LanguageConfig
from vivavoce.protocol.transcript import Transcription


@dataclass(frozen=True, slots=True)
class Heard:
    """Output of a session.

    Attributes:
        finals: finals received over the WebSocket, by channel and number.
        text: ``full_transcript`` of the result.
        faults: descriptions of errors and inconsistencies.
    """

    finals: tuple[TranscriptData, ...]
    text: str
    faults: tuple[str, ...]

    def channel_text(self, channel: int) -> str:
        """Return the text of one channel."""
        spoken = (final.utterance for final in self.finals)
        return " ".join(each.text.strip() for each in spoken if each.channel == channel)

    def texts(self, channels: int) -> tuple[tuple[str, ...], ...]:
        """Return the texts of the finals by channel."""
        spoken = [final.utterance for final in self.finals]
        return tuple(
            tuple(each.text for each in spoken if each.channel == channel)
            for channel in range(channels)
        )


class LiveServer:
    """A server started for the measurement.

    Args:
        client: client of the server.
        settings: fields of every session's request, except the audio format.
    """

    def __init__(self, client: Client, settings: dict[str, Any]) -> None:
        self._client = client
        self._settings = settings

    async def hear_all(
        self, sounds: Sequence[Sound], sessions: int, done: Callable[[Sound], None]
    ) -> list[Heard]:
        """Transcribe in ``sessions`` concurrent sessions; return results in order of ``sounds``."""
        heard: dict[int, Heard] = {}
        waiting = iter(enumerate(sounds))

        async def work() -> None:
            for index, sound in waiting:
                heard[index] = await self._hear(sound)
                done(sound)

        async with asyncio.TaskGroup() as tasks:
            for number in range(sessions):
                tasks.create_task(work(), name=f"session {number} at a time")
        return [heard[index] for index in range(len(sounds))]

    async def _hear(self, sound: Sound) -> Heard:
        """Transcribe one recording, as fast as the server accepts it."""
        finals: list[TranscriptData] = []
        faults: list[str] = []

        def take(message: Message) -> None:
            match message:
                case Transcript(data=data) if data.is_final:
                    finals.append(data)
                case ErrorMessage(error=error):
                    faults.append(f"error message: {error.message}")
                case AudioChunkAck(acknowledged=False):
                    faults.append(f"audio refused: {message.error}")
                case _:
                    pass

        request = InitRequest(**declared(sound.format), **self._settings)
        session = await self._client.create(request)
        try:
            await stream(session, at_full_speed(sound.chunks()), take, asyncio.Event())
        except VivavoceError as error:
            faults.append(f"session broke: {error}")
        job = await self._client.get(session.id)
        text, different = _compared(job, finals)
        finals.sort(key=lambda final: final.id)  # the order between channels is arbitrary
        return Heard(tuple(finals), text, (*faults, *different))


def _compared(job: Job, finals: Sequence[TranscriptData]) -> tuple[str, list[str]]:
    """Return the result's text, and its differences from the messages received."""
    found = job.result.transcription if job.result else None
    if job.status != "done" or not isinstance(found, Transcription):
        return "", [f"no result: the session is {job.status!r}"]
    told = sorted(
        (final.utterance for final in finals), key=lambda each: (each.start, each.channel)
    )
    faults = []
    if found.full_transcript != " ".join(each.text.strip() for each in told):
        faults.append("full_transcript differs from the finals on the socket")
    if list(found.utterances) != told:
        faults.append("the result's utterances differ from the finals on the socket")
    return found.full_transcript, faults


@asynccontextmanager
async def live_server(
    *,
    language: str | Sequence[str],
    endpointing: float,
    maximum_duration: float,
    models: Path | None,
    code_switching: bool = False,
    context: float | None = None,
    use_models: Sequence[str] = (),
) -> AsyncIterator[LiveServer]:
    """Run a server with sessions of these settings during the block.

    ``language`` is one code or several; ``context`` and ``use_models`` are the server's settings.
    """
    languages = (language,) if isinstance(language, str) else tuple(language)
    settings = {
        "endpointing": endpointing,
        "maximum_duration_without_endpointing": maximum_duration,
        "language_config": LanguageConfig(languages, code_switching),
    }
    own = {"VIVAVOCE_MAX_LOAD": "0"}  # full speed exceeds the default admission limit
    if use_models:
        own["VIVAVOCE_USE_MODELS"] = ",".join(use_models)
    if context is not None:
        own["VIVAVOCE_CONTEXT"] = f"{context:g}"
    starting = own_server(models, settings=own)
    async with starting as server, Client(server.url, server.api_key) as client:
        yield LiveServer(client, settings)


def children_cpu() -> float:
    """Return CPU seconds of all descendants of this program so far, including ended ones."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        spent = process.cpu_times()
        total += spent.user + spent.system + spent.children_user + spent.children_system
    return total
