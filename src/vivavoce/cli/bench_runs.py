"""The measurements of ``vivavoce bench``, each from a warm server to its document."""

import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import msgspec
import psutil
from rich.console import Console

from vivavoce.cli.bench_setting import Setting
from vivavoce.cli.failures import BadInputError, ServerStartError
from vivavoce.cli.own_server import own_server
from vivavoce.client import Client
from vivavoce.inference import open_graph
from vivavoce.load.bare import Parts, bare
from vivavoce.load.document import Capacity, Ingest, Latency, Long, Made, Overhead
from vivavoce.load.endurance import drift, slices
from vivavoce.load.ingest import DriverError, IngestRow, ingest
from vivavoce.load.overhead import overhead
from vivavoce.load.scenarios import (
    Bench,
    Row,
    most_borne,
    not_slipping,
    search,
    within,
)
from vivavoce.places import models_folder
from vivavoce.protocol.request import InitRequest
from vivavoce.recognition.catalogue import load_catalogue
from vivavoce.recognition.loading import load_model
from vivavoce.recognition.store import ModelStore
from vivavoce.server.settings import Settings
from vivavoce.server.voices import VOICE_ACTIVITY, Voices
from vivavoce.speech.silero import VoiceActivity

WARM_SECONDS = 5.0
"""Seconds of speech sent to warm up the server before measuring."""

SETTINGS = {
    "VIVAVOCE_MAX_LOAD": "0",
    "VIVAVOCE_MAX_SESSIONS": "100000",
    "VIVAVOCE_MAX_UNOPENED": "100000",
    "VIVAVOCE_MAX_DURATION": "86400",
}
"""Settings of a private server that differ from the defaults: it refuses no session."""


class Outcome(Protocol):
    """Protocol of a row of any measurement."""

    @property
    def failures(self) -> tuple[str, ...]:
        """Failures of its sessions."""
        ...


Line = TypeVar("Line", bound=Outcome)


async def latency(setting: Setting, counts: Sequence[int], seconds: float, talk: int) -> Latency:
    """Measure latencies for each number of streams in turn."""
    voice = setting.voice(seconds, talk=talk)
    made = _made(setting, seconds=seconds, talk=talk)
    async with _server(setting) as bench:
        rows = [row async for row in _shown(bench.latency(voice, counts), "streams")]
    return Latency(made, rows)


@dataclass(frozen=True, slots=True)
class Search:
    """Targets of a search: streams within ``limit``, and before finals slip by ``slip``."""

    first: int
    most: int
    limit: float
    slip: float


async def capacity(setting: Setting, wanted: Search, seconds: float, talk: int) -> Capacity:
    """Find the server's capacity in streams, by two criteria."""
    voice = setting.voice(seconds, talk=talk)
    made = _made(setting, seconds=seconds, talk=talk)
    known: dict[int, Row] = {}
    kept = within(wanted.limit)
    async with _server(setting) as bench:

        def run(streams: int) -> AsyncIterator[Row]:
            return _shown(bench.latency(voice, [streams]), "streams")

        async for row in run(1):
            known[1] = row
        steady = not_slipping(known[1], wanted.slip)
        for bearable in (kept, steady):
            async for _ in search(run, bearable, first=wanted.first, most=wanted.most, known=known):
                pass
    rows = [known[streams] for streams in sorted(known)]
    return Capacity(
        made,
        rows,
        setting.partials,
        talk,
        wanted.limit,
        most_borne(rows, kept),
        wanted.slip,
        most_borne(rows, steady),
    )


async def against_bare(setting: Setting, counts: Sequence[int], seconds: float) -> Overhead:
    """Measure the server, and the engine alone on the same finals.

    Raises:
        BadInputError: the server's processor time cannot be read.
    """
    if setting.url is not None and setting.pid is None:
        raise BadInputError("to compare its processor time, name the server's process: --pid")
    voice = setting.voice(seconds)
    made = _made(setting, seconds=seconds)
    alone = bare(_parts(setting.request), setting.request, voice)
    async with _server(setting) as bench:
        rows = [row async for row in _shown(overhead(bench, voice, alone, counts), "streams")]
    return Overhead(made, alone, rows)


async def long(setting: Setting, seconds: float, speed: float, talk: int, part: float) -> Long:
    """Measure one long session, sent faster than real time."""
    voice = setting.voice(seconds, talk=talk)
    made = _made(setting, seconds=seconds, talk=talk)
    async with _server(setting) as bench:
        run = await bench.run([voice], speed=speed)
    found = slices(run, part)
    _fail(run.row.failures)
    return Long(made, speed, run.row, found, drift(found))


async def silence(setting: Setting, counts: Sequence[int], seconds: float, drivers: int) -> Ingest:
    """Measure sessions that send only silence."""
    made = _made(setting, seconds=seconds, drivers=drivers)

    async def rows(bench: Bench) -> AsyncIterator[IngestRow]:
        for count in counts:
            yield await ingest(bench, count, seconds, drivers=drivers)

    try:
        async with _server(setting) as bench:
            return Ingest(made, [row async for row in _shown(rows(bench), "sessions")])
    except DriverError as error:
        raise ServerStartError(str(error)) from error


@asynccontextmanager
async def _server(setting: Setting) -> AsyncIterator[Bench]:
    """Provide the server to measure, warmed up.

    Raises:
        BadInputError: there is no process with the given id.
        ServerStartError: a private server does not start, or the first session fails.
    """
    url, api_key, pid = setting.url, setting.api_key, setting.pid
    async with AsyncExitStack() as stack:
        if url is None:
            server = await stack.enter_async_context(own_server(settings=SETTINGS))
            url, api_key, pid = server.url, server.api_key, server.pid
        elif pid is not None and not psutil.pid_exists(pid):
            raise BadInputError(f"no process here has the id {pid}")
        client = await stack.enter_async_context(Client(url, api_key, timeout=60))
        bench = Bench(client, setting.request, url, api_key, pid)
        warm = await bench.together(setting.voice(WARM_SECONDS), 1)
        if warm.failures:
            raise ServerStartError(f"the first session failed: {warm.failures[0]}")
        yield bench


async def _shown(rows: AsyncIterator[Line], what: str) -> AsyncIterator[Line]:
    """Collect the rows, and print a line as each arrives."""
    console = Console(file=sys.stderr, highlight=False)
    number = 0
    with console.status("measuring …"):
        async for row in rows:
            number = getattr(row, what)
            console.print(f"{number} {what} measured", style="dim")
            _fail(row.failures)
            yield row


def _fail(failures: Sequence[str]) -> None:
    """Print each kind of failure once."""
    console = Console(file=sys.stderr, highlight=False)
    for failure, count in Counter(failures).items():
        console.print(f"{count} failed: {failure}", style="red")


def _made(setting: Setting, **settings: Any) -> Made:
    """Describe a measurement that starts now; ``settings`` are the command's own."""
    return Made.now({**setting.told, **settings}, _sources(setting.request))


def _sources(request: InitRequest) -> dict[str, str]:
    """Return the models that a private server uses, with their sources."""
    store = ModelStore(models_folder())
    names = (Voices(store).choose(request).first, VOICE_ACTIVITY)
    folders = {name: store.path(load_catalogue().model(name)) for name in names}
    manifests = {name: (folder / "manifest.json").read_bytes() for name, folder in folders.items()}
    return {name: msgspec.json.decode(found)["source"] for name, found in manifests.items()}


def _parts(request: InitRequest) -> Parts:
    """Load the components that a private server transcribes with, in this process."""
    store = ModelStore(models_folder())
    voices = Voices(store)
    name = voices.choose(request).first
    engine = load_model(name, str(store.path(load_catalogue().model(name))))
    engine.warm_up()
    activity = VoiceActivity(open_graph(voices.voice_activity_model()))
    context: float = Settings.model_fields["context"].default
    return Parts(engine, activity, context)
