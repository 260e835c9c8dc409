"""Sessions from their first byte to the archive, and what each of them was promised on the way.

A call does what client, run and routes do with the real journal, records, recordings and finisher;
only the recogniser is left out, since what it would say is planned. It goes on from whatever is
stored, as a new process does.
"""

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import msgspec

from vivavoce.archive.port import FINISHED, ExistsError, NewRecord, NotFoundError
from vivavoce.archive.recordings import LocalRecordings
from vivavoce.archive.records import SqlRecords
from vivavoce.archive.removal import remove
from vivavoce.audio.format import AudioFormat, Encoding
from vivavoce.audio.recording import RecordingWriter
from vivavoce.delivery.announcement import Herald
from vivavoce.journal.port import LiveSession, NewSession
from vivavoce.journal.sqlite import SqliteJournal
from vivavoce.protocol import messages as wire
from vivavoce.protocol.request import InitRequest
from vivavoce.protocol.timestamps import iso
from vivavoce.protocol.transcript import Utterance
from vivavoce.session import checkpoint as checkpoints
from vivavoce.session.checkpoint import Checkpoint
from vivavoce.session.core import CoreState
from vivavoce.session.finishing import Ending, Finisher
from vivavoce.session.language import LanguageState
from vivavoce.session.life import Life

NOW = 1_795_000_000.0
OWNER = "me"
FORMAT = AudioFormat(Encoding.PCM, 16, 16_000, 1)
REQUEST = InitRequest()
FRESH = Checkpoint("live", CoreState(0, (), LanguageState(())), (), 0, 0)


@dataclass(frozen=True, slots=True)
class Promise:
    """Something that was told to somebody when so many operations had been done."""

    at: int
    kind: str
    call: str
    value: int = 0


def promised(promises: Iterable[Promise], call: str) -> Counter[str]:
    """The highest value promised of each kind; 0 where there is none."""
    highest: Counter[str] = Counter()
    for promise in promises:
        if promise.call == call:
            highest[promise.kind] = max(highest[promise.kind], promise.value)
    return highest


@dataclass(frozen=True, slots=True)
class Desk:
    """The parts of a server that store something, and a note of its promises."""

    journal: SqliteJournal
    records: SqlRecords
    recordings: LocalRecordings
    now: Callable[[], int]
    promises: list[Promise] = field(default_factory=list)

    @property
    def finisher(self) -> Finisher:
        return Finisher(self.journal, self.records, self.recordings, lambda: NOW)

    def note(self, kind: str, call: str, value: int = 1) -> None:
        self.promises.append(Promise(self.now(), kind, call, value))


@dataclass(frozen=True)
class Plan:
    """All that one call will say, drawn from its name; ``deleted``: by its owner in the end."""

    seed: str

    @cached_property
    def id(self) -> str:
        return str(uuid.UUID(bytes=random.Random(f"id {self.seed}").randbytes(16), version=4))

    def announcements(self, *messages: wire.Message) -> list[bytes]:
        """What those outside are told of messages."""
        return Herald(self.id, OWNER, REQUEST).announcements(*messages)

    @cached_property
    def token_hash(self) -> bytes:
        return random.Random(f"token {self.seed}").randbytes(32)

    @cached_property
    def audio(self) -> bytes:
        dice = random.Random(self.seed)
        return dice.randbytes(2 * dice.choice([0, 1, 700, 2500, 6000, 12_000]))

    @cached_property
    def commits(self) -> list[list[bytes]]:
        """The messages of each commit; each comes with a checkpoint that counts the commits."""
        dice = random.Random(f"commits {self.seed}")
        sizes = [dice.choice([1, 1, 2, 3]) for _ in range(dice.randint(0, 4))]
        return [
            [_final(self.id, f"{number}-{index}") for index in range(size)]
            for number, size in enumerate(sizes)
        ]

    @cached_property
    def deleted(self) -> bool:
        return random.Random(f"deleted {self.seed}").random() < 0.3

    @cached_property
    def recording(self) -> bytes:
        writer = RecordingWriter(FORMAT, len(self.audio))
        return writer.feed(self.audio) + writer.finish()

    def finals(self, commits: int) -> list[bytes]:
        """The messages of the first commits."""
        return [message for commit in self.commits[:commits] for message in commit]


def _final(session_id: str, name: str) -> bytes:
    utterance = Utterance(0.0, 1.0, 0.9, 0, (), f" said {name}", "en")
    data = wire.TranscriptData(name, is_final=True, utterance=utterance)
    return wire.encode(wire.Transcript(session_id=session_id, created_at=iso(NOW), data=data))


class Call:
    """One session on its way; ``dice`` decide the sizes of its steps."""

    def __init__(self, plan: Plan, desk: Desk, dice: random.Random) -> None:
        self._plan = plan
        self._desk = desk
        self._dice = dice
        self._id = plan.id

    async def run(self) -> None:
        """Bring the session from where it is to its end."""
        live = await self._desk.journal.find(self._id)
        finished = await self._finished()
        if finished is None and live is not None and not self._dropping(live):
            await self._abandon()
            live = None
        if live is None and not finished and not self._was_deleted():
            await self._create()
            live = await self._desk.journal.find(self._id)
        if live is not None:
            await self._go_on(live)
        if self._plan.deleted:
            await self._delete()

    def _dropping(self, live: LiveSession) -> bool:
        """Only a sealed session's record can have been deleted."""
        return live.sealed and self._plan.deleted

    def _was_deleted(self) -> bool:
        return bool(promised(self._desk.promises, self._id)["deleting"])

    async def _finished(self) -> bool | None:
        """Whether the record is finished; None where there is none."""
        with suppress(NotFoundError):
            return (await self._desk.records.get(self._id, OWNER)).status in FINISHED
        return None

    async def _abandon(self) -> None:
        """Its creation was cut short: nobody knows of it, and nobody will connect."""
        desk = self._desk
        life = Life(desk.journal, desk.records, desk.finisher, cast("Any", None), lambda: NOW)
        await life.abandon(cast("Any", self._plan))  # it looks at no more than the plan has

    async def _create(self) -> None:
        plan, desk = self._plan, self._desk
        session = NewSession(plan.id, plan.token_hash, msgspec.json.encode(REQUEST), NOW, OWNER)
        await desk.journal.create(session)
        record = NewRecord(id=plan.id, owner=OWNER, created_at=NOW, request=b"{}")
        with suppress(ExistsError):
            await desk.records.add(record)
        desk.note("created", plan.id)  # now its client is answered

    async def _go_on(self, live: LiveSession) -> None:
        saved = await self._desk.journal.checkpoint(self._id)
        state = checkpoints.decode(saved) if saved else FRESH
        if not live.sealed:
            await asyncio.gather(self._speak(live.audio_end), self._hear(state.delivered))
            self._desk.note("sealed", self._id, 1 + await self._desk.journal.seal(self._id))
        else:
            await self._hear(state.delivered)
        await self._end()

    async def _speak(self, position: int) -> None:
        """Send the rest of the audio, a few frames ahead of their acknowledgements."""
        waiting: set[asyncio.Task[None]] = set()
        while position < len(self._plan.audio):
            size = self._dice.choice([1, 320, 640, 3200, 5000])
            waiting.add(asyncio.create_task(self._append(position, size)))
            position += size
            if len(waiting) > self._dice.randint(0, 4):
                await asyncio.gather(*waiting)
                waiting.clear()
        await asyncio.gather(*waiting)

    async def _append(self, position: int, size: int) -> None:
        piece = self._plan.audio[position : position + size]
        start, end = await self._desk.journal.append_audio(self._id, piece)
        assert (start, end) == (position, position + len(piece))
        self._desk.note("audio", self._id, end)
        if end % 3 == 0:
            await self._mark()

    async def _mark(self) -> None:
        """Mark a break, wherever the audio stands by then."""
        marker = await self._desk.journal.mark_break(self._id)
        self._desk.note("markers", self._id, marker.number)
        self._desk.note(f"marker {marker.number}", self._id, marker.position)

    async def _hear(self, done: int) -> None:
        for number, messages in enumerate(self._plan.commits[done:], done + 1):
            state = checkpoints.encode(msgspec.structs.replace(FRESH, delivered=number))
            await self._desk.journal.commit(self._id, messages, state)
            self._desk.note("commit", self._id, number)

    async def _end(self) -> None:
        """As a run does: finish, and only then let the journal forget."""
        saved = await self._desk.journal.checkpoint(self._id)
        state = checkpoints.decode(saved) if saved else FRESH
        herald = Herald(self._id, OWNER, REQUEST)
        ending = Ending(self._id, REQUEST, herald, FORMAT, len(self._plan.audio), state)
        await self._desk.finisher.finish(ending)
        self._desk.note("archived", self._id)
        if self._plan.deleted and self._dice.random() < 0.5:  # its client has not left yet
            await self._delete()
        await self._desk.journal.drop(self._id)
        self._desk.note("dropped", self._id)

    async def _delete(self) -> None:
        """As the route does."""
        self._desk.note("deleting", self._id)
        with suppress(NotFoundError):
            record = await self._desk.records.get(self._id, OWNER)
            await remove(record, self._desk.records, self._desk.recordings)
        self._desk.note("deleted", self._id)
