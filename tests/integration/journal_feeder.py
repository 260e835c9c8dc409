"""Appends audio and messages of several sessions and prints what was acknowledged, until killed."""

import asyncio
import random
import sys
from pathlib import Path

from vivavoce.journal.port import NewSession
from vivavoce.journal.sqlite import SqliteJournal, Tuning


def audio(name: str, start: int, size: int) -> bytes:
    """The bytes that session ``name`` has at ``[start, start + size)``."""
    return random.Random(name).randbytes(200_000)[start : start + size]


def message(name: str, sequence: int) -> bytes:
    return f"{name} says {sequence}".encode()


def tell(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def feed(journal: SqliteJournal, name: str, seed: int) -> None:
    sizes = random.Random(seed)
    found = await journal.find(name)
    if found is None:
        await journal.create(NewSession(name, name.encode(), b"{}", 0.0, "me"))
        tell("created", name, 0)
    position = found.audio_end if found else 0
    whole = audio(name, 0, 200_000)
    while position < len(whole):
        size = sizes.choice([1, 320, 3200, 9000])
        _, position = await journal.append_audio(name, whole[position : position + size])
        tell("audio", name, position)
        if sizes.random() < 0.3:
            last = (await journal.read_messages(name, 0))[-1:]
            sequence = last[0].sequence + 1 if last else 1
            await journal.commit(name, [message(name, sequence)], f"at {position}".encode())
            tell("message", name, sequence)


async def main(path: Path, seed: int) -> None:
    journal = await SqliteJournal.open(path, tuning=Tuning(gather=0.001))
    await asyncio.gather(*(feed(journal, f"s{n}", seed * 10 + n) for n in range(3)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
