"""``vivavoce bench``: how fast a server is under load, on this machine or on another."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from vivavoce.audio.format import AudioFormat
from vivavoce.cli.audio_file import open_audio
from vivavoce.cli.failures import BadInputError, reported
from vivavoce.cli.own_server import own_server
from vivavoce.cli.sample import sample_path
from vivavoce.client import Client
from vivavoce.load.report import LISTENING, TALKING, Column, markdown
from vivavoce.load.scenarios import STAGGER, Bench, Row, Voice, within
from vivavoce.protocol.request import InitRequest, LanguageConfig, MessagesConfig

app = typer.Typer(
    help="Measure a server under load: many streams in real time, and what they saw when.",
    no_args_is_help=True,
)

WARM_SECONDS = 5.0
"""Speech sent before anything is measured, so that nothing is cold."""

SETTINGS = {"VIVAVOCE_MAX_SESSIONS": "100000"}
"""How a server of one's own differs from the usual one."""

SPREAD_SECONDS = 5.0
"""Within this time all sessions of silence have begun."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What all measurements share: which server, what its sessions ask for, what is said."""

    url: str | None
    api_key: str
    pid: int | None
    request: InitRequest
    audio: Path | None
    seconds: float
    json: Path | None

    def voice(self, *, talk: int = 100) -> Voice:
        """The speech, with silence in between where less than all the time is talk."""
        file = open_audio(self.audio or sample_path(None))
        voice = Voice(b"".join(file.chunks(self.seconds)), file.format)
        return voice if talk == 100 else voice.half()  # noqa: PLR2004  per cent


@app.callback()
def bench(  # noqa: PLR0913  options of a command line
    context: typer.Context,
    *,
    url: Annotated[
        str | None, typer.Option(help="A running server; by default one of its own is started.")
    ] = None,
    api_key: Annotated[
        str, typer.Option(envvar="VIVAVOCE_API_KEY", help="API key of that server.")
    ] = "",
    pid: Annotated[
        int | None, typer.Option(help="Its process here, to tell processor time and memory.")
    ] = None,
    audio: Annotated[Path | None, typer.Option(help="Speech; by default the sample.")] = None,
    seconds: Annotated[float, typer.Option(min=5, help="How much each stream sends.")] = 44.0,
    endpointing: Annotated[float, typer.Option(min=0.01, max=10, help="As in a request.")] = 0.05,
    maximum: Annotated[float, typer.Option(min=5, max=60, help="Longest utterance.")] = 5.0,
    language: Annotated[str, typer.Option(help="Language of the speech.")] = "en",
    partials: Annotated[bool, typer.Option(help="Ask for partial transcripts.")] = True,
    json: Annotated[Path | None, typer.Option(help="File for all figures, as JSON.")] = None,
) -> None:
    """Measure a server under load: many streams in real time, and what they saw when."""
    request = InitRequest(
        endpointing=endpointing,
        maximum_duration_without_endpointing=maximum,
        language_config=LanguageConfig((language,)),
        messages_config=MessagesConfig(receive_partial_transcripts=partials),
    )
    context.obj = Setting(url, api_key, pid, request, audio, seconds, json)


Talk = Annotated[int, typer.Option(min=50, max=100, help="Per cent of the time: 50 or 100.")]


@app.command()
def latency(
    context: typer.Context,
    *,
    streams: Annotated[str, typer.Option(help="Numbers of streams, one run each.")] = "1,2,4,8",
    talk: Talk = 100,
) -> None:
    """Streams that speak in real time: when their words were shown, and at what cost."""
    counts = _numbers(streams)
    _run(context.obj, TALKING, lambda server, voice: server.latency(voice, counts), talk=talk)


@app.command()
def capacity(
    context: typer.Context,
    *,
    most: Annotated[int, typer.Option(min=1, help="No more streams than this.")] = 64,
    limit: Annotated[
        float, typer.Option(min=0.01, help="Bearable time to final, 95th percentile, seconds.")
    ] = 0.5,
    talk: Talk = 100,
) -> None:
    """Search for the largest number of streams whose finals still come in time."""
    bearable = within(limit)
    rows = _run(
        context.obj,
        TALKING,
        lambda server, voice: server.capacity(voice, most=most, bearable=bearable),
        talk=talk,
    )
    best = max((row.streams for row in rows if bearable(row)), default=0)
    typer.echo(f"\nstreams within {limit:g} s: {best}")


@app.command()
def ingest(
    context: typer.Context,
    *,
    streams: Annotated[str, typer.Option(help="Numbers of sessions, one run each.")] = "100,1000",
) -> None:
    """Sessions of silence: how soon their audio is acknowledged as stored."""
    counts = _numbers(streams)
    setting: Setting = context.obj

    async def scenario(server: Bench, _: Voice) -> AsyncIterator[Row]:
        silence = Voice(b"", AudioFormat()).silence(setting.seconds)
        for count in counts:
            yield await server.run(silence, count, stagger=min(STAGGER, SPREAD_SECONDS / count))

    _run(setting, LISTENING, scenario)


def _numbers(text: str) -> list[int]:
    try:
        counts = [int(part) for part in text.split(",")]
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no list of numbers such as 1,2,4") from error
    if min(counts) < 1:
        raise typer.BadParameter("every number must be at least 1")
    return counts


Scenario = Callable[[Bench, Voice], AsyncIterator[Row]]


def _run(
    setting: Setting, columns: Sequence[Column], scenario: Scenario, *, talk: int = 100
) -> list[Row]:
    """Measure, print the table, keep the figures."""
    with reported():
        rows = asyncio.run(_measure(setting, scenario, setting.voice(talk=talk)))
    typer.echo(markdown(columns, rows))
    if setting.json is not None:
        setting.json.write_bytes(msgspec.json.format(msgspec.json.encode(rows), indent=1))
    return rows


async def _measure(setting: Setting, scenario: Scenario, voice: Voice) -> list[Row]:
    console = Console(file=sys.stderr, highlight=False)
    rows: list[Row] = []
    async with _server(setting) as server:
        with console.status("warming up …") as status:
            await server.run(voice.beginning(WARM_SECONDS), 1)
            status.update("measuring …")
            async for row in scenario(server, voice):
                rows.append(row)
                console.print(f"{row.streams} streams measured", style="dim")
                for failure, count in Counter(row.failures).items():
                    console.print(f"{count} failed: {failure}", style="red")
    return rows


@asynccontextmanager
async def _server(setting: Setting) -> AsyncIterator[Bench]:
    url, api_key, pid = setting.url, setting.api_key, setting.pid
    async with AsyncExitStack() as stack:
        if url is None:
            server = await stack.enter_async_context(own_server(settings=SETTINGS))
            url, api_key, pid = server.url, server.api_key, server.pid
        elif pid is not None and not _is_here(pid):
            raise BadInputError(f"no process here has the id {pid}")
        client = await stack.enter_async_context(Client(url, api_key, timeout=60))
        yield Bench(client, setting.request, pid)


def _is_here(pid: int) -> bool:
    import psutil  # noqa: PLC0415  comes with the server extra; help needs it not

    return bool(psutil.pid_exists(pid))
