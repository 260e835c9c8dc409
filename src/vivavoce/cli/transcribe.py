"""``vivavoce transcribe``: send a file to a live session; write text, messages or subtitles."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated

import msgspec
import typer
from rich.console import Console

from vivavoce.cli.audio_file import AudioFile, declared, open_audio
from vivavoce.cli.captions import CaptionView
from vivavoce.cli.failures import BadInputError, reported
from vivavoce.cli.outputs import JsonOutput, Output, SubtitleOutput, TextOutput
from vivavoce.cli.own_server import own_server
from vivavoce.cli.pacing import at_full_speed, in_real_time
from vivavoce.cli.progress import SendProgress
from vivavoce.cli.streaming import first_interrupt, stream
from vivavoce.cli.subtitles import cues, srt, vtt
from vivavoce.client import Client, Message
from vivavoce.protocol.request import InitRequest, LanguageConfig, MessagesConfig
from vivavoce.protocol.transcript import Utterance

MAX_AHEAD_BYTES = 8 * 1024 * 1024
"""With ``--fast``, the limit on audio sent and not yet stored by the server."""


class Format(StrEnum):
    """Output format."""

    TEXT = "text"
    JSON = "json"
    SRT = "srt"
    VTT = "vtt"


class Task(msgspec.Struct, frozen=True):
    """The command's options; ``live`` if a terminal shows text as it arrives."""

    url: str | None
    api_key: str
    request: InitRequest
    format: Format
    fast: bool
    words: bool
    live: bool


File = Annotated[Path, typer.Argument(help="WAV, FLAC or other audio file.")]
Url = Annotated[
    str | None,
    typer.Option(
        envvar="VIVAVOCE_URL",
        help="URL of a running server; by default the command starts a private one.",
    ),
]
Key = Annotated[str, typer.Option(envvar="VIVAVOCE_API_KEY", help="API key of the server.")]
Languages = Annotated[
    list[str] | None,
    typer.Option(help="Spoken language, such as en; repeat the option for several."),
]
Model = Annotated[
    str, typer.Option(help="Model: solaria-1 (the server's default), fast or accurate.")
]
Endpointing = Annotated[
    float, typer.Option(min=0.01, max=10, help="Seconds of silence that end an utterance.")
]
MaxDuration = Annotated[float, typer.Option(min=5, max=60, help="Maximum seconds per utterance.")]
Fast = Annotated[
    bool,
    typer.Option("--fast", help="Send as fast as the server accepts it instead of in real time."),
]
Kind = Annotated[
    Format,
    typer.Option(
        "--format", help="Text as it arrives, messages as JSON lines, or subtitles at the end."
    ),
]
Destination = Annotated[Path | None, typer.Option(help="File to write (default: standard output).")]
Partials = Annotated[
    bool | None,
    typer.Option(
        "--partials/--no-partials",
        help="Request partials (default: if the output is a terminal).",
    ),
]
Words = Annotated[
    bool, typer.Option("--words", help="Write one line or cue per word, with its times.")
]


def transcribe(  # noqa: PLR0913  one parameter per option, as typer reads them
    file: File,
    *,
    url: Url = None,
    api_key: Key = "",
    language: Languages = None,
    model: Model = "solaria-1",
    endpointing: Endpointing = 0.05,
    max_duration: MaxDuration = 5,
    fast: Fast = False,
    kind: Kind = Format.TEXT,
    output: Destination = None,
    partials: Partials = None,
    words: Words = False,
) -> None:
    """Transcribe an audio file as a live session. Ctrl-C ends it early and keeps the finals."""
    with reported():
        audio = open_audio(file)
        live = kind is Format.TEXT and output is None and sys.stdout.isatty()
        request = InitRequest(
            **declared(audio.format),
            model=model,
            endpointing=endpointing,
            maximum_duration_without_endpointing=max_duration,
            language_config=LanguageConfig(tuple(language or ())),
            messages_config=MessagesConfig(
                receive_partial_transcripts=live if partials is None else partials,
                receive_lifecycle_events=kind is Format.JSON,
            ),
        )
        task = Task(url, api_key, request, kind, fast=fast, words=words, live=live)
        with _destination(output) as out:
            asyncio.run(_transcribe(audio, task, out))


async def _transcribe(audio: AudioFile, task: Task, out: IO[str]) -> None:
    console = Console(file=out, highlight=False)
    writer = _writer(task, console, audio.format.channels)
    async with AsyncExitStack() as stack:
        interrupted = stack.enter_context(first_interrupt())
        client = await stack.enter_async_context(await _client(task, stack))
        session = await client.create(task.request, buffer_bytes=MAX_AHEAD_BYTES)
        view = stack.enter_context(CaptionView(console, shown=task.live))
        bar = stack.enter_context(SendProgress(audio.seconds, shown=not task.live))
        stack.callback(writer.finish)

        def take(message: Message) -> None:
            writer.take(message)
            view.take(message)
            bar.reached(audio.format.seconds(session.acknowledged))

        await stream(session, _paced(audio, fast=task.fast), take, interrupted)


async def _client(task: Task, stack: AsyncExitStack) -> Client:
    """Return a client of the named server, or of a private server closed with the stack."""
    if task.url is None:
        server = await stack.enter_async_context(own_server())
        return Client(server.url, server.api_key)
    try:
        return Client(task.url, task.api_key)
    except ValueError as error:
        raise BadInputError(str(error)) from error


def _paced(audio: AudioFile, *, fast: bool) -> AsyncIterator[bytes]:
    if fast:
        return at_full_speed(audio.chunks())
    clock = asyncio.get_running_loop().time
    return in_real_time(audio.chunks(), audio.format.seconds, clock=clock)


def _writer(task: Task, console: Console, channels: int) -> Output:
    if task.format is Format.TEXT:
        return TextOutput(console, channels=channels, words=task.words)
    if task.format is Format.JSON:
        return JsonOutput(console.file)
    form = srt if task.format is Format.SRT else vtt

    def render(utterances: Sequence[Utterance]) -> str:
        return form(cues(utterances, word_by_word=task.words))

    return SubtitleOutput(console.file, render)


@contextmanager
def _destination(path: Path | None) -> Iterator[IO[str]]:
    """Open the output file before any work is done, or use standard output."""
    if path is None:
        yield sys.stdout
        return
    try:
        file = path.open("w", encoding="utf-8")
    except OSError as error:
        raise BadInputError(f"cannot write {path}: {error.strerror}") from error
    with file:
        yield file
