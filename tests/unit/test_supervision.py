"""What supervision does with background work that fails, in virtual time."""

import asyncio
import sqlite3
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

import virtual_time
from vivavoce.supervision import STEADY_SECONDS, Backoff, Supervisor, described, stop


@dataclass
class Watched:
    """A supervisor whose every report is kept, and whose pauses are as long as they may be."""

    failures: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(
            count_failure=self.failures.append,
            count_unreadable=self.unreadable.append,
            backoff=Backoff(first=1.0, longest=8.0, dice=lambda: 1.0),
            clock=lambda: asyncio.get_running_loop().time(),
        )


@dataclass
class Flaky:
    """Work that fails the first times it is run; notes when each run began."""

    failures: int
    lasts: float = 0.0
    began: list[float] = field(default_factory=list)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        self.began.append(loop.time())
        if len(self.began) <= self.failures:
            await asyncio.sleep(self.lasts)
            raise ValueError("what the client said")
        await asyncio.Event().wait()


def test_a_service_that_fails_is_restarted_after_pauses_that_double() -> None:
    async def story() -> None:
        watched, work = Watched(), Flaky(failures=6)
        task = watched.supervisor.supervised("relay", work.run)
        await asyncio.sleep(100)
        pauses = [after - before for before, after in zip(work.began, work.began[1:], strict=False)]
        assert pauses == pytest.approx([1, 2, 4, 8, 8, 8], abs=0.01)
        assert watched.failures == ["relay"] * 6
        await stop(task)

    virtual_time.run(story())


def test_the_pause_is_random_up_to_its_bound() -> None:
    dice = iter((0.0, 0.25, 0.5))
    backoff = Backoff(first=1.0, longest=8.0, dice=lambda: next(dice))
    assert [backoff.pause(failures) for failures in (1, 2, 9)] == [0.0, 0.5, 4.0]


def test_a_service_is_down_from_its_failure_until_it_has_run_steadily() -> None:
    async def story() -> None:
        watched, work = Watched(), Flaky(failures=1)
        task = watched.supervisor.supervised("relay", work.run)
        assert not watched.supervisor.down
        await asyncio.sleep(0.5)
        assert list(watched.supervisor.down) == ["relay"]
        await asyncio.sleep(1)  # it runs again, and may fail again in this instant
        assert list(watched.supervisor.down) == ["relay"]
        await asyncio.sleep(STEADY_SECONDS)
        assert not watched.supervisor.down
        await stop(task)

    virtual_time.run(story())


def test_the_back_off_starts_over_once_a_service_has_run_steadily() -> None:
    async def story() -> None:
        watched, work = Watched(), Flaky(failures=3, lasts=STEADY_SECONDS)
        task = watched.supervisor.supervised("relay", work.run)
        await asyncio.sleep(60)
        pauses = [after - before for before, after in zip(work.began, work.began[1:], strict=False)]
        assert pauses == pytest.approx([STEADY_SECONDS + 1] * 3, abs=0.01)
        await stop(task)

    virtual_time.run(story())


def test_a_service_that_returns_is_over_and_not_down() -> None:
    async def story() -> None:
        watched = Watched()

        async def recover() -> None: ...

        await watched.supervisor.supervised("recovery", recover)
        assert (watched.failures, watched.supervisor.down) == ([], ())

    virtual_time.run(story())


def test_a_cancelled_service_ends_at_once_and_is_no_failure() -> None:
    async def story() -> None:
        watched, work = Watched(), Flaky(failures=0)
        task = watched.supervisor.supervised("relay", work.run)
        await asyncio.sleep(1)
        await stop(task, None)
        assert (task.cancelled(), watched.failures, len(work.began)) == (True, [], 1)

    virtual_time.run(story())


def test_a_service_that_fails_while_it_is_cancelled_is_reported_and_not_restarted() -> None:
    async def story() -> None:
        watched = Watched()

        async def untidy() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                raise ValueError

        task = watched.supervisor.supervised("relay", untidy)
        await asyncio.sleep(0)
        await stop(task)
        assert (task.cancelled(), watched.failures) == (True, ["relay"])

    virtual_time.run(story())


def test_a_service_that_ends_by_the_cancellation_of_something_else_is_restarted() -> None:
    async def story() -> None:
        watched, runs = Watched(), []

        async def misled() -> None:
            runs.append(1)
            if len(runs) == 1:
                answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                answer.cancel()
                await answer
            await asyncio.Event().wait()

        task = watched.supervisor.supervised("relay", misled)
        await asyncio.sleep(10)
        assert (len(runs), watched.failures) == (2, ["relay"])
        await stop(task)

    virtual_time.run(story())


def test_a_watched_task_runs_once_and_its_failure_is_reported_with_its_facts() -> None:
    async def story() -> None:
        watched = Watched()
        with capture_logs() as lines:
            task = watched.supervisor.watched("session run", Flaky(1).run(), session="s1")
            with pytest.raises(ValueError, match="client"):
                await task
            await asyncio.sleep(100)
        assert (watched.failures, watched.supervisor.down) == (["session run"], ())
        [line] = lines
        assert (line["event"], line["task"], line["session"]) == (
            "background_task_failed",
            "session run",
            "s1",
        )
        assert line["error"] == "ValueError"
        assert "test_supervision.py" in line["traceback"]
        assert "what the client said" not in str(lines)

    virtual_time.run(story())


def test_an_unreadable_item_is_logged_and_counted_by_its_kind() -> None:
    watched = Watched()
    with capture_logs() as lines:
        watched.supervisor.unreadable("checkpoint", ValueError("secret text"), session="s1")
    assert watched.unreadable == ["checkpoint"]
    assert [(line["event"], line["kind"], line["session"]) for line in lines] == [
        ("item_unreadable", "checkpoint", "s1")
    ]
    assert "secret text" not in str(lines)


async def test_what_only_the_event_loop_hears_of_is_reported_as_well() -> None:
    watched = Watched()
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(watched.supervisor.loop_failed)
    try:
        loop.call_soon(lambda: 1 / 0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    finally:
        loop.set_exception_handler(before)
    assert watched.failures == ["event loop callback"]


def raised() -> BaseException:
    try:
        try:
            raise sqlite3.OperationalError("disk I/O error")
        except sqlite3.Error as error:
            raise ExceptionGroup("text of a client", [RuntimeError("text of a client")]) from error
    except ExceptionGroup as group:
        return group


def test_an_error_is_described_by_kinds_and_places_and_by_no_text_of_others() -> None:
    told = described(raised())
    assert told["error"] == "ExceptionGroup < RuntimeError"
    assert "text of a client" not in str(told)
    cause = described(raised().__cause__ or ValueError())
    assert cause["error"] == "OperationalError (disk I/O error)"
    assert described(OSError(28, "No space left on device", "/secret"))["error"] == (
        "OSError (No space left on device)"
    )
