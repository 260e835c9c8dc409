"""Kill a process that writes the journal at arbitrary instants: what it acknowledged is there."""

import random
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

from integration.journal_feeder import audio, message
from vivavoce.journal.port import Entry
from vivavoce.journal.sqlite import SqliteJournal

FEEDER = Path(__file__).with_name("journal_feeder.py")
RUNS = 24


def acknowledged_until_killed(path: Path, seed: int, delay: float) -> dict[str, dict[str, int]]:
    """Highest acknowledged position and sequence number of each session."""
    reached: dict[str, dict[str, int]] = defaultdict(dict)
    with subprocess.Popen(
        [sys.executable, FEEDER, path, str(seed)], stdout=subprocess.PIPE, text=True
    ) as feeder:
        assert feeder.stdout is not None
        lines = [feeder.stdout.readline()]  # wait until it is at work
        time.sleep(delay)
        feeder.kill()
        lines += feeder.stdout.readlines()
    for line in lines:
        if line.endswith("\n"):
            kind, name, number = line.split()
            reached[name][kind] = int(number)
    return reached


async def check(path: Path, reached: dict[str, dict[str, int]]) -> int:
    """Everything acknowledged is there byte for byte; returns how much more was stored."""
    journal = await SqliteJournal.open(path)
    surplus = 0
    for name, numbers in reached.items():
        found = await journal.find(name)
        assert found is not None
        assert found.audio_end >= numbers.get("audio", 0)
        surplus += found.audio_end - numbers.get("audio", found.audio_end)
        stored = await journal.read_audio(name, 0, found.audio_end)
        assert stored == audio(name, 0, found.audio_end)
        entries = await journal.read_messages(name, 0)
        assert len(entries) >= numbers.get("message", 0)
        assert entries == [Entry(n, message(name, n)) for n in range(1, len(entries) + 1)]
        assert (await journal.checkpoint(name) is not None) == bool(entries)
    await journal.close()
    return surplus


async def test_what_was_acknowledged_survives_a_kill_at_any_instant(tmp_path: Path) -> None:
    instants = random.Random(20261121)
    acknowledged = 0
    for generation in range(RUNS // 4):
        path = tmp_path / str(generation) / "journal.sqlite"
        reached: dict[str, dict[str, int]] = defaultdict(dict)
        for _ in range(4):  # each run goes on in the journal that the killed one left
            delay = instants.uniform(0, 0.15)
            for name, numbers in acknowledged_until_killed(path, generation, delay).items():
                reached[name].update(numbers)
            await check(path, reached)
        acknowledged += sum(numbers.get("audio", 0) for numbers in reached.values())
    assert acknowledged > 0
