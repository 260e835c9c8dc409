"""``vivavoce demo``: transcribe a speech sample with a private server and show it live."""

import asyncio
import sys
from collections.abc import Sized
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from vivavoce.cli.audio_file import AudioFile, declared, open_audio
from vivavoce.cli.captions import CaptionView, span
from vivavoce.cli.failures import reported
from vivavoce.cli.own_server import own_server
from vivavoce.cli.pacing import in_real_time
from vivavoce.cli.sample import sample_path
from vivavoce.cli.streaming import first_interrupt, stream
from vivavoce.client import Client, Job, Message
from vivavoce.protocol.messages import Transcript
from vivavoce.protocol.request import InitRequest, LanguageConfig, MessagesConfig

DONE_TIMEOUT = 30.0
POLL = 0.2
LONG_TEXT = 300
COUNTED = frozenset({"messages", "request_params", "words"})
"""Parts of a result of which only the length is shown."""


def demo(
    *,
    seconds: Annotated[float, typer.Option(min=1, help="Seconds of the sample to stream.")] = 20.0,
    models: Annotated[
        Path | None,
        typer.Option(
            envvar="VIVAVOCE_MODELS",
            help="Folder of the models (default: in the user's cache folder).",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Start a server, stream a speech sample to it in real time, and show the transcript."""
    with reported():
        asyncio.run(_demo(open_audio(sample_path(models)), seconds, models))


async def _demo(audio: AudioFile, seconds: float, models: Path | None) -> None:
    console = Console(file=sys.stdout, highlight=False)
    async with AsyncExitStack() as stack:
        interrupted = stack.enter_context(first_interrupt())
        console.print("starting a server of its own …", style="dim")
        server = await stack.enter_async_context(own_server(models))
        client = await stack.enter_async_context(Client(server.url, server.api_key))
        session = await client.create(_request(audio))
        console.print(f"listening to {audio.path.name} at {server.url}", style="dim")
        with CaptionView(console, shown=console.is_terminal) as view:

            def take(message: Message) -> None:
                _show(message, console)
                view.take(message)

            clock = asyncio.get_running_loop().time
            spoken = in_real_time(audio.chunks(seconds), audio.format.seconds, clock=clock)
            await stream(session, spoken, take, interrupted)
        console.print(f"\nGET /v2/live/{session.id}", style="dim")
        job = await _finished(client, session.id)
        console.print_json(data=shortened(msgspec.to_builtins(job)), ensure_ascii=False)


def _request(audio: AudioFile) -> InitRequest:
    return InitRequest(
        **declared(audio.format),
        language_config=LanguageConfig(("en",)),
        messages_config=MessagesConfig(receive_partial_transcripts=True),
    )


def _show(message: Message, console: Console) -> None:
    """Print a final on its own line; a partial too, if the console cannot redraw."""
    if not isinstance(message, Transcript):
        return
    utterance = message.data.utterance
    if message.data.is_final:
        line = Text.assemble(("final ", "green"), (f"{span(utterance)} ", "dim"))
        console.print(line.append(utterance.text.strip(), "bold"), soft_wrap=True)
    elif not console.is_terminal:
        console.print(Text(f"partial {utterance.text.strip()}"), soft_wrap=True)


async def _finished(client: Client, session_id: str) -> Job:
    """Return the session once it is done, which may be shortly after the socket closes."""
    deadline = asyncio.get_running_loop().time() + DONE_TIMEOUT
    while True:
        job = await client.get(session_id)
        if job.status in {"done", "error"} or asyncio.get_running_loop().time() > deadline:
            return job
        await asyncio.sleep(POLL)


def shortened(value: Any) -> Any:
    """Return a copy that fits a screen: lengths of some parts, the beginning of long texts."""
    if isinstance(value, dict):
        return {
            key: f"… {len(part)} {key} …"
            if key in COUNTED and isinstance(part, Sized) and part
            else shortened(part)
            for key, part in value.items()
        }
    if isinstance(value, list | tuple):
        return [shortened(part) for part in value]
    if isinstance(value, str) and len(value) > LONG_TEXT:
        return f"{value[:LONG_TEXT]}…"
    return value
