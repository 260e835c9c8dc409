"""What every driver needs: its task, the speech in pieces at its pace, and the report."""

import asyncio
import json
import sys
import time
import wave
from collections.abc import AsyncIterator
from typing import Any

RATE = 16_000
FRAME_SAMPLES = RATE // 50
"""20 ms, the size in which telephony and rooms deliver sound."""

task: dict[str, Any] = json.loads(sys.argv[1])


def report(event: str, **fields: Any) -> None:
    """One line for the test."""
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


def speech(name: str = "audio") -> bytes:
    """The samples of the recording that the task names."""
    path: str = task[name]
    with wave.open(path) as file:
        return file.readframes(file.getnframes())


async def paced(audio: bytes) -> AsyncIterator[bytes]:
    """Frames of 20 ms, ``pace`` times as fast as they were spoken."""
    size = FRAME_SAMPLES * 2
    begin = time.monotonic()
    for index, at in enumerate(range(0, len(audio), size)):
        await asyncio.sleep(max(0.0, begin + index * 0.02 / task["pace"] - time.monotonic()))
        yield audio[at : at + size]
