"""Measures how long the longest messages block an event loop, and their cost.

    python bench/long_messages.py [--hours 3] [--channels 1]

An event loop is probed a thousand times a second. Meanwhile, the server's own code ends a session
of several hours (with the real journal; nothing is archived), reads its closing messages for a
client, reads a client message with megabytes of base64, and refuses 28 MB messages designed to be
costly. *Late* is the greatest delay of a probe; *busy* is the greatest processor time the loop
itself used for one probe; *wall* and *CPU* are those of the whole operation. The minimum of
several runs is printed.
"""

import argparse
import asyncio
import base64
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import msgspec

from vivavoce.archive.port import AudioFile, Recordings, Records
from vivavoce.audio.format import AudioFormat
from vivavoce.delivery.announcement import Herald
from vivavoce.journal.port import NewSession
from vivavoce.journal.sqlite import SqliteJournal
from vivavoce.protocol.messages import (
    BadMessageError,
    SpeechMoment,
    SpeechStart,
    StartRecording,
    Transcript,
    TranscriptData,
    encode,
)
from vivavoce.protocol.request import InitRequest
from vivavoce.protocol.transcript import Utterance, Word
from vivavoce.server.collecting import seldom_collected
from vivavoce.server.texts import framed, parsed
from vivavoce.server.turns import short_turns
from vivavoce.session.checkpoint import Checkpoint
from vivavoce.session.core import CoreState
from vivavoce.session.finishing import Ending, Finisher
from vivavoce.session.language import LanguageRules, begin

ID = "45463597-20b7-4af7-b3b3-f5fb778203ab"
AT = "2026-11-21T08:00:00.101Z"
UTTERANCE_SECONDS = 3.6
WORDS = 12
RUNS = 5


class Nowhere:
    """Records and recordings that store nothing."""

    async def finish(self, session_id: str, result: bytes, file: AudioFile, at: float) -> None:
        """Accept the record of an ended session."""

    async def write(self, session_id: str, chunks: AsyncIterator[bytes]) -> int:
        """Accept a recording."""
        del session_id
        return sum([len(chunk) async for chunk in chunks])


def told(hours: float, channels: int) -> list[bytes]:
    """Build the messages of a session of ``hours`` before its end."""
    messages: list[bytes] = [encode(StartRecording(session_id=ID, created_at=AT))]
    for number in range(round(hours * 3600 / UTTERANCE_SECONDS)):
        start = number * UTTERANCE_SECONDS
        for channel in range(channels):
            moment = SpeechMoment(round(start, 3), channel)
            messages.append(encode(SpeechStart(session_id=ID, created_at=AT, data=moment)))
            data = TranscriptData(f"{channel:02d}_{number:08d}", True, utterance(start, channel))
            messages.append(encode(Transcript(session_id=ID, created_at=AT, data=data)))
    return messages


def utterance(start: float, channel: int) -> Utterance:
    """Build a text of twelve words."""
    step = UTTERANCE_SECONDS / WORDS
    words = tuple(
        Word(f" word{at}", round(start + at * step, 3), round(start + (at + 1) * step, 3), 0.912)
        for at in range(WORDS)
    )
    text = "".join(word.word for word in words)
    return Utterance(words[0].start, words[-1].end, 0.9, channel, words, text, "en")


async def watched(work: Callable[[], Awaitable[Any]]) -> tuple[float, float, float, float]:
    """Measure the late, busy, wall and CPU seconds of an operation."""
    worst = [0.0, 0.0]

    async def ask() -> None:
        while True:
            asked, used = time.monotonic(), time.thread_time()
            await asyncio.sleep(0.001)
            worst[0] = max(worst[0], time.monotonic() - asked - 0.001)
            worst[1] = max(worst[1], time.thread_time() - used)

    asking = asyncio.create_task(ask(), name="ask")
    await asyncio.sleep(0.05)
    worst[:] = 0.0, 0.0
    wall, cpu = time.monotonic(), time.process_time()
    await work()
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    await asyncio.sleep(0.02)  # freeing memory is part of the operation
    result = (worst[0], worst[1], wall, cpu)
    asking.cancel()
    return result


async def ended(messages: list[bytes], channels: int) -> tuple[float, float, float, float]:
    """Measure the end of a session."""
    with TemporaryDirectory() as folder:
        journal = await SqliteJournal.open(Path(folder, "journal.db"))
        await journal.create(NewSession(ID, b"t", b"{}", time.time(), "bench"))
        await journal.commit(ID, messages, None)
        nowhere = Nowhere()
        finisher = Finisher(
            journal, cast("Records", nowhere), cast("Recordings", nowhere), time.time
        )  # no other method of them is called
        request = InitRequest(channels=channels)
        core = CoreState(0, (), begin(LanguageRules(("en",)), channels))
        ending = Ending(
            ID,
            request,
            Herald(ID, "bench", request),
            AudioFormat(channels=channels),
            0,
            Checkpoint("live", core, (), 0, None),
        )
        found = await watched(lambda: finisher.finish(ending))
        closing = [entry.message for entry in (await journal.read_messages(ID, 0))[-4:]]
        await journal.close()
    CLOSING[:] = closing
    return found


CLOSING: list[bytes] = []


async def told_to_a_client() -> tuple[float, float, float, float]:
    """Measure reading the closing messages for a client."""

    async def work() -> None:
        for message in CLOSING:
            await framed(message)

    return await watched(work)


async def sent_again(size: int) -> tuple[float, float, float, float]:
    """Measure a client message of ``size`` bytes."""
    chunk = {"chunk": base64.b64encode(os.urandom(size)).decode()}
    text = msgspec.json.encode({"type": "audio_chunk", "data": chunk}).decode()

    async def work() -> None:
        (await parsed(text))()

    return await watched(work)


HOSTILE = {
    "nested lists": '{"type":"x","a":[' + "[]," * 9_300_000 + "[]]}",
    "keys": '{"type":"x",' + '"1":1,' * 4_600_000 + '"2":2}',
    "quotes": '"' * 28_000_000,
    "backslashes": '{"type":"audio_chunk","data":{"chunk":"' + "\\\\" * 14_000_000 + '"}}',
    "no base64": '{"type":"audio_chunk","data":{"chunk":"' + "AAAA" * 7_000_000 + '?"}}',
}


async def refused(text: str) -> tuple[float, float, float, float]:
    """Measure client messages that are refused."""

    async def work() -> None:
        with suppress(BadMessageError):
            (await parsed(text))()

    return await watched(work)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--hours", type=float, default=3)
    parser.add_argument("--channels", type=int, default=1)
    given = parser.parse_args()
    messages = told(given.hours, given.channels)
    works: dict[str, Callable[[], Awaitable[tuple[float, float, float, float]]]] = {
        f"end of {given.hours:g} h, {given.channels} channels": lambda: ended(
            messages, given.channels
        ),
        "closing messages to a client": told_to_a_client,
        "1 MB of audio as base64": lambda: sent_again(1_000_000),
        "15 MB of audio as base64": lambda: sent_again(15_000_000),
    }
    works |= {f"28 MB of {name}, refused": partial(refused, text) for name, text in HOSTILE.items()}
    print("| what | late ms | busy ms | wall ms | CPU ms |\n|---|---:|---:|---:|---:|")
    for name, work in works.items():

        async def once(work: Callable[[], Awaitable[Any]] = work) -> Any:
            return await work()

        with seldom_collected(), short_turns():
            runs = [asyncio.run(once()) for _ in range(RUNS)]
        figures = " | ".join(f"{min(column) * 1000:.1f}" for column in zip(*runs, strict=True))
        print(f"| {name} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
