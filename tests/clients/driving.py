"""Runs a published client in its own environment and reads what it says of its session.

A driver is a small program that uses the client as its users do. It gets its task as one JSON
argument and prints one JSON object a line.
"""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ROOT / ".venv-clients"
DRIVERS = Path(__file__).parent / "drivers"
NODE = Path(__file__).parent / "node"
TIME_LIMIT = 120.0

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Report:
    """What a driver printed, in order."""

    events: list[Event]

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.events if event["event"] == kind]

    def one(self, kind: str) -> Event:
        found = self.of(kind)
        assert len(found) == 1, (kind, self.events)
        return found[0]

    @property
    def finals(self) -> str:
        return " ".join(event["text"] for event in self.of("final"))


def require(name: str) -> Path:
    """The environment of a client, or a skip with the reason why it is not there."""
    folder = ENVIRONMENTS / name
    if (folder / "installed").is_file():
        return folder
    reason = folder / "unavailable.txt"
    pytest.skip(reason.read_text().strip() if reason.is_file() else "run: make clients")


def drive_python(name: str, task: dict[str, Any]) -> Report:
    """Run ``drivers/drive_NAME.py`` with the interpreter of that client."""
    python = require(name) / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    return _run([str(python), "-W", "ignore", str(DRIVERS / f"drive_{name}.py")], task, DRIVERS)


def drive_node(script: str, task: dict[str, Any]) -> Report:
    """Run ``node/SCRIPT`` beside its packages."""
    require("node")
    return _run(["node", str(NODE / script)], task, NODE)


def _run(command: list[str], task: dict[str, Any], folder: Path) -> Report:
    # Drivers must not find a key, an address or a telemetry setting of the user's.
    kept = ("PATH", "HOME", "TMPDIR", "LANG", "SYSTEMROOT", "TEMP", "USERPROFILE")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    done = subprocess.run(
        [*command, json.dumps(task)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=TIME_LIMIT,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return Report([json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")])
