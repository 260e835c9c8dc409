"""``vivavoce bench``: measure a server under load, on this machine or on another."""

import asyncio
from collections.abc import Coroutine
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec import UNSET

from vivavoce.cli.bench_setting import Setting
from vivavoce.cli.failures import ServerStartError, reported
from vivavoce.protocol.request import InitRequest, LanguageConfig, MessagesConfig

if TYPE_CHECKING:
    from vivavoce.load.document import Document

app = typer.Typer(
    help="Measure a server under load, with many real-time streams.",
    no_args_is_help=True,
)


@app.callback()
def bench(  # noqa: PLR0913  options of a command line
    context: typer.Context,
    *,
    url: Annotated[
        str | None,
        typer.Option(help="URL of a running server; by default the command starts a private one."),
    ] = None,
    api_key: Annotated[
        str, typer.Option(envvar="VIVAVOCE_API_KEY", help="API key of the server.")
    ] = "",
    pid: Annotated[int | None, typer.Option(help="PID of the server, for CPU and memory.")] = None,
    audio: Annotated[
        Path | None, typer.Option(help="Speech to send; by default the sample.")
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(min=2, help="Seconds of audio per stream; each command has its own default."),
    ] = None,
    endpointing: Annotated[
        float, typer.Option(min=0.01, max=10, help="Seconds of silence that end an utterance.")
    ] = 0.05,
    maximum: Annotated[
        float, typer.Option(min=5, max=60, help="Maximum seconds per utterance.")
    ] = 5.0,
    language: Annotated[str, typer.Option(help="Language of the speech.")] = "en",
    model: Annotated[str, typer.Option(help="Model: solaria-1, fast or accurate.")] = "solaria-1",
    partials: Annotated[bool, typer.Option(help="Request partial transcripts.")] = True,
    json: Annotated[
        Path | None, typer.Option(help="File to write all figures to, as JSON.")
    ] = None,
) -> None:
    """Measure a server under load: many streams in real time, and what they saw when."""
    request = InitRequest(
        model=model,
        endpointing=endpointing,
        maximum_duration_without_endpointing=maximum,
        language_config=LanguageConfig((language,)),
        messages_config=MessagesConfig(
            receive_partial_transcripts=partials, mark_stable_words=partials or UNSET
        ),
    )
    context.obj = Setting(url, api_key, pid, request, audio, seconds, json)


Talk = Annotated[
    int, typer.Option(min=1, max=100, help="Percentage of speech; the rest is silence.")
]
Streams = Annotated[
    str, typer.Option(help="Numbers of concurrent streams, separated by commas; one run each.")
]


@app.command()
def latency(context: typer.Context, *, streams: Streams = "1,2,4,8", talk: Talk = 100) -> None:
    """Measure the latency of words and finals, and the CPU cost, of real-time streams."""
    setting, counts = _setting(context), _numbers(streams)
    from vivavoce.cli import bench_runs  # noqa: PLC0415  help needs no server extra

    _tell(setting, bench_runs.latency(setting, counts, setting.lasting(44), talk))


@app.command()
def capacity(
    context: typer.Context,
    *,
    first: Annotated[
        int, typer.Option(min=1, help="Number of streams at which the search starts.")
    ] = 4,
    most: Annotated[int, typer.Option(min=1, help="Maximum number of streams.")] = 64,
    limit: Annotated[
        float, typer.Option(min=0.01, help="Target p95 time to final, in seconds.")
    ] = 0.5,
    slip: Annotated[
        float,
        typer.Option(
            min=0.01, help="Maximum seconds by which finals may fall behind those of one stream."
        ),
    ] = 1.0,
    talk: Talk = 100,
) -> None:
    """Find the largest number of streams whose finals arrive within the target time."""
    setting = _setting(context)
    from vivavoce.cli import bench_runs  # noqa: PLC0415  as above

    wanted = bench_runs.Search(first, most, limit, slip)
    _tell(setting, bench_runs.capacity(setting, wanted, setting.lasting(20), talk))


@app.command()
def overhead(context: typer.Context, *, streams: Streams = "1,32") -> None:
    """Compare the CPU time of the server with that of the bare engine on the same finals.

    The last number of streams should exceed the capacity of the machine.
    """
    setting, counts = _setting(context), _numbers(streams)
    from vivavoce.cli import bench_runs  # noqa: PLC0415  as above

    _tell(setting, bench_runs.against_bare(setting, counts, setting.lasting(44)))


@app.command()
def long(
    context: typer.Context,
    *,
    speed: Annotated[
        float, typer.Option(min=0.1, help="Speed, as a multiple of real time.")
    ] = 40.0,
    talk: Talk = 20,
    minutes: Annotated[float, typer.Option(min=0.05, help="Minutes of audio per row.")] = 10.0,
) -> None:
    """Measure whether latency, memory and cost stay constant in a session of three hours."""
    setting = _setting(context)
    from vivavoce.cli import bench_runs  # noqa: PLC0415  as above

    seconds = setting.lasting(3 * 3600)
    _tell(setting, bench_runs.long(setting, seconds, speed, talk, minutes * 60))


@app.command()
def ingest(
    context: typer.Context,
    *,
    streams: Annotated[
        str, typer.Option(help="Numbers of concurrent sessions, separated by commas; one run each.")
    ] = "100,1000",
    drivers: Annotated[int, typer.Option(min=1, help="Number of sender processes.")] = 1,
) -> None:
    """Measure the latency of acks in sessions that send silence."""
    setting, counts = _setting(context), _numbers(streams)
    from vivavoce.cli import bench_runs  # noqa: PLC0415  as above

    _tell(setting, bench_runs.silence(setting, counts, setting.lasting(20), drivers))


def _setting(context: typer.Context) -> Setting:
    """Return the group's options, if measuring is possible at all."""
    with reported():
        if find_spec("psutil") is None:
            raise ServerStartError("to measure, install: pip install 'vivavoce[server]'")
    setting: Setting = context.obj
    return setting


def _numbers(text: str) -> list[int]:
    try:
        counts = [int(part) for part in text.split(",")]
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no list of numbers such as 1,2,4") from error
    if min(counts) < 1:
        raise typer.BadParameter("every number must be at least 1")
    return counts


def _tell(setting: Setting, measuring: Coroutine[Any, Any, "Document"]) -> None:
    """Measure, print the table, and store the figures."""
    from vivavoce.load.document import encoded  # noqa: PLC0415  as above
    from vivavoce.load.report import told  # noqa: PLC0415  as above

    with reported():
        document = asyncio.run(measuring)
    typer.echo(told(document))
    if setting.json is not None:
        setting.json.write_bytes(encoded(document))
