"""Measures the memory of one session over simulated hours, faster than real time.

    python bench/memory.py --hours 3 --channels 1 8 --json memory.json [--loudness]

Uses the real journal, audio front end, VAD, session core and runner; a fake engine returns
realistic amounts of text at once. The VAD model takes nearly all of the time; ``--loudness``
replaces it with a loudness threshold, for eight channels in a third of the time.
``TMPDIR=/dev/shm`` avoids the disk's syncs. The speech is the sample, repeated with pauses. Prints
one line per ten simulated minutes: resident size of the whole process, size of the checkpoint, and
stored audio.
"""

import argparse
import asyncio
import gc
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np
import psutil
import soundfile

from vivavoce.audio.findings import Finding
from vivavoce.audio.format import AudioFormat
from vivavoce.cli.sample import sample_path
from vivavoce.inference import Graph, open_graph
from vivavoce.journal.port import NewSession
from vivavoce.journal.sqlite import SqliteJournal
from vivavoce.places import models_folder
from vivavoce.protocol.messages import Message
from vivavoce.protocol.request import InitRequest
from vivavoce.recognition.contract import SAMPLE_RATE, Hypothesis, SpokenWord
from vivavoce.recognition.jobs import Job
from vivavoce.session import checkpoint as checkpoints
from vivavoce.session.core import Core, CoreConfig
from vivavoce.session.ear import Ear
from vivavoce.session.hearing import Hearing
from vivavoce.session.language import LanguageRules
from vivavoce.session.ports import Outside
from vivavoce.session.runner import Runner, Voice
from vivavoce.speech.rules import EndpointingRules
from vivavoce.speech.silero import VoiceActivity

MODEL = Path("silero-vad-6.2", "silero_vad_16k_sequence.onnx")
CHUNK_SECONDS = 2
REPORT_SECONDS = 600
WORDS_PER_SECOND = 3
LOUD = 0.01
LINGERING = 16
"""Windows that count as speech after a loud one, since words have quiet parts."""

ID = "45463597-20b7-4af7-b3b3-f5fb778203ab"


class Scribe:
    """A fake engine that answers at once with three words per second."""

    def __init__(self) -> None:
        self.finals = 0

    async def decode(self, job: Job) -> Hypothesis:
        """Return as many words as could have been said."""
        samples = len(job.request.audio) // 4
        step = SAMPLE_RATE // WORDS_PER_SECOND
        words = tuple(
            SpokenWord(f" word{at % 977}", at, min(at + step, samples), 0.9)
            for at in range(0, samples, step)
        )
        self.finals += job.is_final
        text = "".join(word.text for word in words).strip()
        return Hypothesis(text, words, job.request.language, 0.9)

    def confirm(self, job: Job) -> None:
        """Do nothing: the request has already been answered."""

    def wants_refresh(self, session: str, channel: int, spoken: float) -> bool:  # noqa: ARG002 - port
        """Always allow another partial."""
        return True

    def prepare(self, session: str, engine: str) -> None:
        """Do nothing: there is nothing to load."""

    def cancel(self, session: str) -> None:
        """Do nothing: nothing waits."""


class Loudness:
    """Replaces the VAD model: loud audio is speech."""

    def run(self, outputs: list[str] | None, feed: dict[str, Any]) -> list[Any]:
        """Return a probability for each window; the model's memory is unchanged."""
        del outputs
        loud = np.sqrt(np.square(feed["input"]).mean(axis=1)) > LOUD
        spoken = np.convolve(loud, np.ones(LINGERING))[: len(loud)] > 0
        return [spoken.astype(np.float32), feed["h"], feed["c"]]

    def get_inputs(self) -> list[Any]:
        """Return nothing: it is never called."""
        return []


class Nobody:
    """A client that receives everything and stores nothing."""

    delivered = 0

    def show(self, message: Message) -> None:
        """Discard a partial."""

    def report(self, finding: Finding) -> None:
        """Discard a notice."""

    def announcements(self, *messages: Message) -> Sequence[bytes]:
        """Do nothing: there are no other listeners."""
        del messages
        return ()


def speech(channels: int) -> bytes:
    """Return the sample and four seconds of silence, 16 bit, channels half a second apart."""
    samples, rate = soundfile.read(sample_path(None), dtype="int16", always_2d=True)
    mono = samples[:: max(rate // SAMPLE_RATE, 1), 0]
    mono = np.concatenate((mono, np.zeros(4 * SAMPLE_RATE, np.int16)))
    mono = mono[: len(mono) // SAMPLE_RATE * SAMPLE_RATE]
    shifted = [np.roll(mono, channel * SAMPLE_RATE // 2) for channel in range(channels)]
    return np.stack(shifted, axis=1).tobytes()


async def simulate(channels: int, hours: float, model: Graph) -> list[dict[str, float]]:
    """Run one session; produce a row for every ten minutes of it."""
    audio, form = speech(channels), AudioFormat(channels=channels)
    rules = EndpointingRules.from_settings(
        endpointing=0.05, maximum_duration=5, speech_threshold=0.6
    )
    with TemporaryDirectory() as folder, ThreadPoolExecutor(1) as executor:
        journal = await SqliteJournal.open(Path(folder, "journal.db"))
        request = msgspec.json.encode(InitRequest())
        await journal.create(NewSession(ID, b"t", request, time.time(), "bench"))
        scribe = Scribe()
        outside = Outside(
            journal, scribe, Hearing(executor, time.monotonic), time.time, time.monotonic
        )
        languages = LanguageRules(("en",))
        core = Core(CoreConfig(ID, channels, rules, True, 15 * SAMPLE_RATE, languages))
        ear = Ear(form, VoiceActivity(model))
        runner = Runner(ID, Voice(languages, {"en": "scribe"}), core, ear, outside, Nobody())
        running = asyncio.create_task(runner.run(), name="session")
        rows = []
        size = CHUNK_SECONDS * SAMPLE_RATE * form.frame_bytes
        for second in range(CHUNK_SECONDS, round(hours * 3600) + 1, CHUNK_SECONDS):
            at = second * size // CHUNK_SECONDS % len(audio)
            await journal.append_audio(ID, audio[at : at + size])
            while core.heard < (second - 5) * SAMPLE_RATE:  # noqa: ASYNC110  no event signals it
                await asyncio.sleep(0.001)
            if second % REPORT_SECONDS == 0:
                gc.collect()
                kept = ear.end - min(core.keep_from(channel) for channel in range(channels))
                rows.append(
                    {
                        "channels": channels,
                        "minute": second // 60,
                        "resident_mb": round(psutil.Process().memory_info().rss / 2**20, 1),
                        "checkpoint_kb": round(
                            len(checkpoints.encode(runner.checkpoint())) / 1024, 1
                        ),
                        "kept_seconds": round(kept / SAMPLE_RATE, 1),
                        "finals": scribe.finals,
                    }
                )
                sys.stderr.write(f"{rows[-1]}\n")
        await journal.seal(ID)
        await running
        await journal.close()
    return rows


def main() -> None:
    """Simulate and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=3)
    parser.add_argument("--channels", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--model", type=Path, default=models_folder() / MODEL)
    parser.add_argument("--loudness", action="store_true", help="leave the model out")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    model: Graph = Loudness() if given.loudness else open_graph(given.model)
    rows = [
        row
        for channels in given.channels
        for row in asyncio.run(simulate(channels, given.hours, model))
    ]
    print("| " + " | ".join(rows[0]) + " |\n|" + "---|" * len(rows[0]))
    for row in rows:
        print("| " + " | ".join(map(str, row.values())) + " |")
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
