"""Whatever is asked of a journal, in whatever company: it behaves like plain bytes and lists."""

import asyncio
import contextlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from vivavoce.journal.memory import MemoryJournal
from vivavoce.journal.port import (
    BreakMarker,
    Entry,
    Journal,
    NewSession,
    SealedError,
    UnknownSessionError,
)
from vivavoce.journal.sqlite import SqliteJournal, Tuning

CHUNKS = st.lists(st.binary(max_size=40), min_size=1, max_size=6)


@dataclass
class Model:
    audio: bytes = b""
    sealed: bool = False
    messages: list[bytes] = field(default_factory=list)
    checkpoint: bytes | None = None
    markers: list[BreakMarker] = field(default_factory=list)

    def mark(self, channel: int | None) -> BreakMarker:
        place = len(self.audio), channel
        if not self.markers or (self.markers[-1].position, self.markers[-1].channel) != place:
            self.markers.append(BreakMarker(len(self.markers) + 1, *place))
        return self.markers[-1]

    def followed(self, start: int, after: int) -> list[int | BreakMarker]:
        """Bytes one by one, and the markers between them."""
        found: list[int | BreakMarker] = []
        markers = [marker for marker in self.markers if marker.number > after]
        for at in range(start, max(len(self.audio), start) + 1):
            while markers and markers[0].position <= at:
                found.append(markers.pop(0))
            found += self.audio[at : at + 1]
        return found


class JournalMachine(RuleBasedStateMachine):
    sessions = Bundle("sessions")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.models: dict[str, Model] = {}
        self.made = 0
        self.journal = self.open()

    def open(self) -> Journal:
        raise NotImplementedError

    def do(self, *calls: object) -> list[object]:
        """Start all calls at once, in this order."""

        async def together() -> list[object]:
            return await asyncio.gather(*calls, return_exceptions=True)  # type: ignore[call-overload,no-any-return]  # coroutines of many types

        return self.runner.run(together())

    @rule(target=sessions)
    def create(self) -> str:
        self.made += 1
        name = f"s{self.made}"
        new = NewSession(name, name.encode(), b"{}", float(self.made), "me")
        assert self.do(self.journal.create(new)) == [None]
        self.models[name] = Model()
        return name

    @rule(parts=st.lists(st.tuples(sessions, CHUNKS), min_size=1, max_size=4), seal=st.booleans())
    def append_together(self, parts: list[tuple[str, list[bytes]]], *, seal: bool) -> None:
        calls = []
        expected: list[object] = []
        for name, chunks in parts:
            model = self.models[name]
            for chunk in chunks:
                calls.append(self.journal.append_audio(name, chunk))
                if model.sealed:
                    expected.append(SealedError)
                else:
                    end = len(model.audio) + len(chunk)
                    expected.append((len(model.audio), end))
                    model.audio += chunk
            if seal:
                calls.append(self.journal.seal(name))  # type: ignore[arg-type]  # another result
                expected.append(len(model.audio))
                model.sealed = True
        got = [type(x) if isinstance(x, Exception) else x for x in self.do(*calls)]
        assert got == expected

    @rule(
        parts=st.lists(
            st.tuples(sessions, st.binary(max_size=20), st.none() | st.integers(0, 1)),
            min_size=1,
            max_size=5,
        )
    )
    def append_and_mark_together(self, parts: list[tuple[str, bytes, int | None]]) -> None:
        calls: list[object] = []
        expected: list[object] = []
        for name, chunk, channel in parts:
            model = self.models[name]
            calls += [
                self.journal.append_audio(name, chunk),
                self.journal.mark_break(name, channel),
            ]
            if model.sealed:
                expected += [SealedError, SealedError]
                continue
            start = len(model.audio)
            model.audio += chunk
            expected += [(start, len(model.audio)), model.mark(channel)]
        got = [type(x) if isinstance(x, Exception) else x for x in self.do(*calls)]
        assert got == expected

    @rule(
        name=sessions,
        messages=st.lists(st.binary(max_size=9)),
        point=st.none() | st.binary(max_size=9),
    )
    def commit(self, name: str, messages: list[bytes], point: bytes | None) -> None:
        model = self.models[name]
        model.messages += messages
        model.checkpoint = model.checkpoint if point is None else point
        assert self.do(self.journal.commit(name, messages, point)) == [len(model.messages)]

    @rule(name=sessions, start=st.integers(-3, 200), end=st.integers(-3, 200))
    def read(self, name: str, start: int, end: int) -> None:
        expected = self.models[name].audio[max(start, 0) : max(end, 0)]
        assert self.do(self.journal.read_audio(name, start, end)) == [expected]

    @rule(
        name=sessions,
        start=st.integers(0, 100),
        after=st.integers(0, 20),
        marker=st.integers(0, 3),
    )
    def tail(self, name: str, start: int, after: int, marker: int) -> None:
        model = self.models[name]
        expected = model.followed(start, marker)

        async def follow() -> tuple[list[int | BreakMarker], list[Entry]]:
            found: list[int | BreakMarker] = []
            entries: list[Entry] = []
            tail = self.journal.tail_audio(name, start, after_marker=marker)
            while model.sealed or len(found) < len(expected):
                try:
                    item = await anext(tail)
                except StopAsyncIteration:
                    break
                found += [item] if isinstance(item, BreakMarker) else item
            messages = self.journal.tail_messages(name, after)
            while after + len(entries) < len(model.messages):
                entries.append(await anext(messages))
            for generator in (tail, messages):
                await cast("Any", generator).aclose()
            return found, entries

        [got] = self.do(follow())
        numbered = [Entry(n, m) for n, m in enumerate(model.messages, 1)]
        assert got == (expected, numbered[after:])

    @rule(name=consumes(sessions))
    def drop(self, name: str) -> None:
        del self.models[name]
        assert self.do(self.journal.drop(name)) == [None]
        assert self.do(self.journal.find(name)) == [None]
        [error] = self.do(self.journal.append_audio(name, b"x"))
        assert isinstance(error, UnknownSessionError)

    @precondition(lambda self: self.durable)
    @rule()
    def reopen(self) -> None:
        self.do(self.journal.close())
        self.journal = self.open()

    durable = False

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        [live] = self.do(self.journal.live())
        got = {found.session.id: (found.audio_end, found.sealed) for found in live}  # type: ignore[attr-defined]  # a list of sessions
        assert got == {name: (len(m.audio), m.sealed) for name, m in self.models.items()}
        for name, model in self.models.items():
            assert self.do(
                self.journal.read_audio(name, 0, 10_000),
                self.journal.checkpoint(name),
                self.journal.read_messages(name, 0),
            ) == [
                model.audio,
                model.checkpoint,
                [Entry(n, message) for n, message in enumerate(model.messages, 1)],
            ]

    def teardown(self) -> None:
        self.do(self.journal.close())
        self.runner.close()


class MemoryMachine(JournalMachine):
    def open(self) -> Journal:
        return MemoryJournal()


class SqliteMachine(JournalMachine):
    durable = True

    def __init__(self) -> None:
        self.stack = contextlib.ExitStack()
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        super().__init__()

    def open(self) -> Journal:
        tuning = Tuning(gather=0.0, waiting_bytes=100)
        return self.runner.run(SqliteJournal.open(self.folder / "journal.sqlite", tuning=tuning))

    def teardown(self) -> None:
        super().teardown()
        self.stack.close()


@pytest.mark.parametrize(("machine", "examples"), [(MemoryMachine, 60), (SqliteMachine, 15)])
def test_a_journal_behaves_like_its_model(machine: type[JournalMachine], examples: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
