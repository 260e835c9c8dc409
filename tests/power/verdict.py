"""Whether what a power cut left keeps the promises that had been made before it."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Self

import msgspec

from power.calls import OWNER, Desk, Plan, Promise, promised
from vivavoce.archive.port import NotFoundError, Record, Status
from vivavoce.journal.port import Entry, LiveSession
from vivavoce.protocol import messages as wire
from vivavoce.protocol.result import Result
from vivavoce.session import checkpoint as checkpoints

CLOSING = (wire.EndRecording, wire.PostTranscript, wire.PostFinalTranscript, wire.EndSession)


class BrokenPromiseError(Exception):
    """Something acknowledged is not there, or something is there that cannot be."""


@dataclass(slots=True)
class Tally:
    """Bytes of audio that were acknowledged, and what became of them."""

    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    """Bytes that stand where they do not belong."""

    def __iadd__(self, other: Self) -> Self:
        self.acknowledged += other.acknowledged
        self.lost += other.lost
        self.doubled += other.doubled
        return self

    def compare(self, planned: bytes, acknowledged: int, stored: bytes) -> None:
        """Count one session's audio."""
        right = len(stored) if planned.startswith(stored) else _common(planned, stored)
        self.acknowledged += acknowledged
        self.lost += max(acknowledged - right, 0)
        self.doubled += len(stored) - right


def _common(one: bytes, other: bytes) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def require(condition: object, what: str) -> None:
    if not condition:
        raise BrokenPromiseError(what)


class Judge:
    """Looks at one disk after a restart, before anything goes on."""

    def __init__(self, desk: Desk, promises: Sequence[Promise], tally: Tally) -> None:
        self._desk = desk
        self._promises = promises
        self._tally = tally

    async def check(self, plan: Plan) -> None:
        """One session, wherever it was.

        Raises:
            BrokenPromiseError: it is not as it must be.
        """
        told = promised(self._promises, plan.id)
        live = await self._desk.journal.find(plan.id)
        if live is None:
            require(
                not told["created"] or told["deleting"] or await self._is_archived(plan, told),
                "a session is gone",
            )
        else:
            require(not told["dropped"], "a dropped session came back")
            await self._check_audio(plan, live, told)
            await self._check_messages(plan, told)
            require(await self._desk.journal.claim(plan.id, "anybody", 1.0), "a lease outlived")
        if told["archived"] and not told["deleting"]:
            require(await self._is_archived(plan, told), "an archived session is not whole")
        await self._check_record(plan, told)

    async def check_end(self, plan: Plan) -> None:
        """One session after everything went on to its end."""
        require(await self._desk.journal.find(plan.id) is None, "a session stayed in the journal")
        if plan.deleted:
            require(await self._record(plan) is None, "a deleted record is there")
            require(await self._recording(plan) is None, "a deleted recording is there")
        else:
            require(await self._is_archived(plan, Counter()), "a finished session is not whole")

    async def _check_audio(self, plan: Plan, live: LiveSession, told: Counter[str]) -> None:
        stored = await self._desk.journal.read_audio(plan.id, 0, live.audio_end)
        require(len(stored) == live.audio_end, "audio ends before its end")
        self._tally.compare(plan.audio, told["audio"], stored)
        require(len(stored) >= told["audio"], "acknowledged audio is lost")
        require(plan.audio.startswith(stored), "audio is not what was sent")
        require(live.sealed or not told["sealed"], "an end is lost")
        require(not live.sealed or stored == plan.audio, "audio ended too early")
        await self._check_markers(plan, live, told)

    async def _check_markers(self, plan: Plan, live: LiveSession, told: Counter[str]) -> None:
        found = await self._desk.journal.read_markers(plan.id, 0)
        numbers, positions = [m.number for m in found], [m.position for m in found]
        require(len(found) >= told["markers"], "an acknowledged marker is lost")
        require(numbers == list(range(1, len(found) + 1)), "markers are missing between others")
        require(positions == sorted(positions), "markers are out of order")
        require(not found or positions[-1] <= live.audio_end, "a marker stands behind the audio")
        moved = any(
            marker.position != told[f"marker {marker.number}"]
            for marker in found
            if f"marker {marker.number}" in told
        )
        require(not moved, "a marker stands elsewhere than it was acknowledged")

    async def _check_messages(self, plan: Plan, told: Counter[str]) -> None:
        entries = await self._desk.journal.read_messages(plan.id, 0)
        saved = await self._desk.journal.checkpoint(plan.id)
        state = checkpoints.decode(saved) if saved else None
        commits = state.delivered if state else 0
        require(commits >= told["commit"], "a commit is lost")
        finals = plan.finals(commits)
        require(_numbered(entries[: len(finals)]) == list(enumerate(finals, 1)), "other messages")
        closing = [wire.decode_server_message(entry.message) for entry in entries[len(finals) :]]
        told_by = {"live": 0, "ended": 3, "archived": 4}
        require(
            tuple(map(type, closing)) == CLOSING[: told_by[state.stage] if state else 0],
            "the checkpoint is not that of the messages",
        )
        require(len(closing) == len(CLOSING) or not told["archived"], "the last message is lost")

    async def _check_record(self, plan: Plan, told: Counter[str]) -> None:
        if told["deleted"]:
            require(await self._record(plan) is None, "a deleted record is back")
            require(await self._recording(plan) is None, "a deleted recording is back")
        elif told["created"] and not told["deleting"]:
            require(await self._record(plan) is not None, "a record is gone")

    async def _is_archived(self, plan: Plan, told: Counter[str]) -> bool:
        record, recording = await self._record(plan), await self._recording(plan)
        if record is None or recording is None or record.status is not Status.DONE:
            return False
        head = len(plan.recording) - len(plan.audio)
        self._tally.compare(plan.audio, told["audio"], recording[head:])
        return recording == plan.recording and _told(record) == plan.finals(len(plan.commits))

    async def _record(self, plan: Plan) -> Record | None:
        with suppress(NotFoundError):
            return await self._desk.records.get(plan.id, OWNER)
        return None

    async def _recording(self, plan: Plan) -> bytes | None:
        with suppress(NotFoundError):
            return b"".join([block async for block in self._desk.recordings.read(plan.id)])
        return None


def _numbered(entries: Iterable[Entry]) -> list[tuple[int, bytes]]:
    return [(entry.sequence, entry.message) for entry in entries]


def _told(record: Record) -> list[bytes]:
    """The finals that a result was made of, each as often as it is there."""
    result = msgspec.json.decode(record.result or b"null", type=Result)
    messages = [wire.decode_server_message(text.encode()) for text in result.messages or ()]
    return [wire.encode(message) for message in messages if isinstance(message, wire.Transcript)]


def check_files(folder: Path) -> None:
    """The databases themselves are sound, and nothing is in them that belongs to nobody.

    Raises:
        BrokenPromiseError: they are not.
    """
    for name in ("journal.db", "records.db"):
        with closing(sqlite3.connect(folder / name)) as db:
            require(db.execute("PRAGMA integrity_check").fetchall() == [("ok",)], f"{name} broken")
            require(not db.execute("PRAGMA foreign_key_check").fetchall(), f"{name} has orphans")
    for path in (folder / "recordings").iterdir():
        require(path.suffix == ".wav", f"{path.name} was left over")
