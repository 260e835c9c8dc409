"""A measurement with all that it depends on: the machine, the versions, the settings."""

import os
import platform
import time
from pathlib import Path
from typing import Any

import msgspec
import psutil

from vivavoce import __version__
from vivavoce.load.bare import Bare
from vivavoce.load.endurance import Drift, Slice
from vivavoce.load.ingest import IngestRow
from vivavoce.load.overhead import OverheadRow
from vivavoce.load.scenarios import Row
from vivavoce.protocol.timestamps import iso


class Machine(msgspec.Struct, frozen=True):
    """Where it ran; ``memory_gb`` of 10⁹ bytes."""

    processor: str
    cores: int
    memory_gb: float
    system: str
    python: str

    @classmethod
    def here(cls) -> "Machine":
        """This machine."""
        return cls(
            _processor(),
            os.cpu_count() or 1,
            round(psutil.virtual_memory().total / 1e9, 1),
            f"{platform.system()} {platform.release()}",
            platform.python_version(),
        )


class Made(msgspec.Struct, frozen=True):
    """How a measurement was made.

    Attributes:
        when: its beginning, ISO 8601.
        version: of this program.
        settings: of the command, by name.
        models: what the machine's server would listen with, by name: where it is from.
    """

    when: str
    version: str
    machine: Machine
    settings: dict[str, Any]
    models: dict[str, str]

    @classmethod
    def now(cls, settings: dict[str, Any], models: dict[str, str]) -> "Made":
        """Made here and now."""
        return cls(iso(time.time()), __version__, Machine.here(), settings, models)


class Latency(msgspec.Struct, frozen=True, tag_field="kind", tag="latency"):
    """Of ``vivavoce bench latency``."""

    made: Made
    rows: list[Row]


class Capacity(msgspec.Struct, frozen=True, tag_field="kind", tag="capacity"):
    """Of ``vivavoce bench capacity``.

    Attributes:
        limit: the time to final in seconds, 95th percentile, that was asked to be kept.
        within: streams that kept it.
        slip: seconds by which finals may come later than for one stream.
        before_slipping: streams that kept that.
    """

    made: Made
    rows: list[Row]
    partials: bool
    talk: int
    limit: float
    within: int
    slip: float
    before_slipping: int


class Overhead(msgspec.Struct, frozen=True, tag_field="kind", tag="overhead"):
    """Of ``vivavoce bench overhead``."""

    made: Made
    bare: Bare
    rows: list[OverheadRow]


class Long(msgspec.Struct, frozen=True, tag_field="kind", tag="long"):
    """Of ``vivavoce bench long``; ``speed`` is audio seconds sent in a second."""

    made: Made
    speed: float
    whole: Row
    slices: list[Slice]
    drift: Drift


class Ingest(msgspec.Struct, frozen=True, tag_field="kind", tag="ingest"):
    """Of ``vivavoce bench ingest``."""

    made: Made
    rows: list[IngestRow]


Document = Latency | Capacity | Overhead | Long | Ingest


def encoded(document: Document) -> bytes:
    """As JSON for files."""
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def _processor() -> str:
    """The processor's name as the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
