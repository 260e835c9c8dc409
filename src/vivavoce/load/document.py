"""A measurement with everything it depends on: the machine, the versions and the settings."""

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
    """The machine of a measurement; ``memory_gb`` in units of 10⁹ bytes."""

    processor: str
    cores: int
    memory_gb: float
    system: str
    python: str

    @classmethod
    def here(cls) -> "Machine":
        """Describe this machine."""
        return cls(
            _processor(),
            os.cpu_count() or 1,
            round(psutil.virtual_memory().total / 1e9, 1),
            f"{platform.system()} {platform.release()}",
            platform.python_version(),
        )


class Made(msgspec.Struct, frozen=True):
    """Conditions of a measurement.

    Attributes:
        when: its start, ISO 8601.
        version: version of this program.
        settings: settings of the command, by name.
        models: sources of the models that a server on this machine would use, by name.
    """

    when: str
    version: str
    machine: Machine
    settings: dict[str, Any]
    models: dict[str, str]

    @classmethod
    def now(cls, settings: dict[str, Any], models: dict[str, str]) -> "Made":
        """Describe a measurement that starts now, on this machine."""
        return cls(iso(time.time()), __version__, Machine.here(), settings, models)


class Latency(msgspec.Struct, frozen=True, tag_field="kind", tag="latency"):
    """Result of ``vivavoce bench latency``."""

    made: Made
    rows: list[Row]


class Capacity(msgspec.Struct, frozen=True, tag_field="kind", tag="capacity"):
    """Result of ``vivavoce bench capacity``.

    Attributes:
        limit: target time to final in seconds, 95th percentile.
        within: largest number of streams within that limit.
        slip: seconds by which finals may be later than for one stream.
        before_slipping: largest number of streams within that slip.
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
    """Result of ``vivavoce bench overhead``."""

    made: Made
    bare: Bare
    rows: list[OverheadRow]


class Long(msgspec.Struct, frozen=True, tag_field="kind", tag="long"):
    """Result of ``vivavoce bench long``; ``speed`` is audio seconds sent per second."""

    made: Made
    speed: float
    whole: Row
    slices: list[Slice]
    drift: Drift


class Ingest(msgspec.Struct, frozen=True, tag_field="kind", tag="ingest"):
    """Result of ``vivavoce bench ingest``."""

    made: Made
    rows: list[IngestRow]


Document = Latency | Capacity | Overhead | Long | Ingest


def encoded(document: Document) -> bytes:
    """Encode a document as JSON for files."""
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def _processor() -> str:
    """Return the processor's name as the system reports it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
