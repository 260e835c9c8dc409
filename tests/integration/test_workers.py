"""The recogniser with real worker processes, and everything that can happen to those."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import uvloop
from structlog.testing import capture_logs

from recognition_support import SCRIPTED, a_job, a_sung_job
from vivavoce.recognition.contract import Hypothesis
from vivavoce.recognition.engines.scripted import ORDINARY, hear
from vivavoce.recognition.errors import (
    DecodeFailedError,
    PoisonedError,
    RecogniserClosedError,
)
from vivavoce.recognition.frames import EngineSpec
from vivavoce.recognition.jobs import Job
from vivavoce.recognition.pool import PoolHealth
from vivavoce.recognition.recogniser import Recogniser
from vivavoce.recognition.worker_process import Patience

BOUND = 20.0
"""Seconds after which a condition counts as never coming true."""


@pytest.fixture
async def recogniser(request: pytest.FixtureRequest) -> AsyncIterator[Recogniser]:
    """A started recogniser of scripted workers; options come from ``with_options``."""
    options: dict[str, Any] = dict(getattr(request, "param", {}))
    arguments = {
        "faults": True,
        "real_time_factor": options.pop("rtf", 0.0),
        "leak": options.pop("leak", 0),
    }
    spec = options.pop("spec", EngineSpec(SCRIPTED.loader, arguments))
    recogniser = Recogniser({"scripted": spec}, clock=time.monotonic, **options)
    await recogniser.start()
    yield recogniser
    await recogniser.close(grace=0)
    assert children() == []


def with_options(**options: Any) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("recogniser", [options], indirect=True, ids=[""])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(BOUND):
        while not condition():  # noqa: ASYNC110 - a process has no event to wait on
            await asyncio.sleep(0.01)


async def decoded(recogniser: Recogniser, text: str, **where: Any) -> str:
    async with asyncio.timeout(BOUND):
        return (await recogniser.decode(a_sung_job(text, **where))).text


def handed_in(recogniser: Recogniser, *jobs: Job) -> list[asyncio.Task[Hypothesis]]:
    return [asyncio.create_task(recogniser.decode(job)) for job in jobs]


def health(recogniser: Recogniser) -> PoolHealth:
    return recogniser.health()["scripted"]


def children() -> list[psutil.Process]:
    found = psutil.Process().children()
    return [child for child in found if "vivavoce.recognition.worker" in " ".join(child.cmdline())]


@with_options(workers=1)
async def test_a_worker_hears_what_the_engine_hears(recogniser: Recogniser) -> None:
    job = a_sung_job("alfa bravo charlie")
    assert await recogniser.decode(job) == hear(job.request)
    stats = recogniser.stats()
    assert (stats.done, stats.batches, stats.waiting) == (1, 1, 0)


async def test_there_is_a_worker_for_every_core(recogniser: Recogniser) -> None:
    cores = len(os.sched_getaffinity(0))
    await until(lambda: health(recogniser).ready == cores)
    assert len(set(health(recogniser).pids)) == cores


@with_options(workers=1)
async def test_jobs_may_be_given_before_any_worker_is_ready(recogniser: Recogniser) -> None:
    assert health(recogniser).ready == 0
    assert await decoded(recogniser, "alfa") == "alfa"


@with_options(workers=2, rtf=2.0)
async def test_a_worker_that_is_killed_in_mid_job_is_replaced_and_its_job_done(
    recogniser: Recogniser,
) -> None:
    job = a_sung_job("alfa bravo")
    await until(lambda: health(recogniser).ready == 2)
    (task,) = handed_in(recogniser, job)
    await until(lambda: health(recogniser).busy == 1)
    for pid in health(recogniser).pids:
        os.kill(pid, signal.SIGKILL)
    assert await asyncio.wait_for(task, BOUND) == hear(job.request)
    await until(lambda: health(recogniser).lost == 2)
    await until(lambda: health(recogniser).ready == 2)


@with_options(workers=3)
async def test_a_job_that_only_met_dead_workers_is_not_blamed_for_their_death(
    recogniser: Recogniser,
) -> None:
    await until(lambda: health(recogniser).ready == 3)
    for pid in health(recogniser).pids:
        os.kill(pid, signal.SIGKILL)
    # Nobody has noticed yet: each slot hands the job to a worker that will never read it.
    assert await decoded(recogniser, "alfa", session="innocent") == "alfa"
    assert recogniser.stats().poisoned == 0


@with_options(workers=2)
async def test_an_idle_worker_that_dies_is_replaced_before_it_is_needed(
    recogniser: Recogniser,
) -> None:
    await until(lambda: health(recogniser).ready == 2)
    before = set(health(recogniser).pids)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    await until(lambda: len(set(health(recogniser).pids) - before) == 2)
    assert await decoded(recogniser, "alfa") == "alfa"


@with_options(workers=2)
@pytest.mark.parametrize("fault", ["crash", "leave", "starve"])
async def test_audio_that_kills_workers_is_given_up_after_two(
    recogniser: Recogniser, fault: str
) -> None:
    with pytest.raises(PoisonedError):
        await decoded(recogniser, f"alfa {fault}", session="poisoned")
    assert await decoded(recogniser, "bravo", session="other") == "bravo"
    assert await decoded(recogniser, "charlie", session="poisoned") == "charlie"
    assert recogniser.stats().poisoned == 1
    await until(lambda: health(recogniser).lost == 2)


@with_options(workers=1, rtf=0.5)
async def test_poison_in_a_batch_harms_none_of_its_companions(recogniser: Recogniser) -> None:
    """Together they lose one worker, then the culprit alone loses two."""
    await recogniser.wait_ready("scripted")
    (first,) = handed_in(recogniser, a_sung_job("alfa alfa", session="first"))
    await until(lambda: health(recogniser).busy == 1)
    words = ("bravo", "crash", "charlie", "delta")
    bravo, crash, charlie, delta = handed_in(
        recogniser, *(a_sung_job(word, "refresh_partial", session=word) for word in words)
    )
    await asyncio.wait({first, bravo, crash, charlie, delta}, timeout=BOUND)
    assert isinstance(crash.exception(), PoisonedError)
    heard = [task.result().text for task in (first, bravo, charlie, delta)]
    assert heard == ["alfa alfa", "bravo", "charlie", "delta"]
    await until(lambda: health(recogniser).lost == 3)


@with_options(workers=1, leak=32 << 20, growth=100 << 20)
async def test_a_worker_that_keeps_memory_is_replaced_between_two_jobs(
    recogniser: Recogniser,
) -> None:
    await recogniser.wait_ready("scripted")
    before = health(recogniser).pids
    words = ORDINARY[:12]
    assert [await decoded(recogniser, word) for word in words] == list(words)
    assert health(recogniser).recycled >= 2
    assert health(recogniser).lost == 0
    await until(lambda: health(recogniser).ready == 1)
    assert health(recogniser).pids != before


IMPATIENT = Patience(decode=0.4, per_audio_second=0)


@with_options(workers=1, patience=IMPATIENT)
async def test_audio_that_hangs_workers_is_given_up_after_two(recogniser: Recogniser) -> None:
    with pytest.raises(PoisonedError):
        await decoded(recogniser, "hang")
    assert await decoded(recogniser, "alfa") == "alfa"
    assert health(recogniser).lost == 2
    assert "no answer in 0.4 s" in health(recogniser).last_errors[0]


@with_options(workers=1, patience=IMPATIENT)
async def test_a_stopped_worker_is_replaced_and_its_job_done(recogniser: Recogniser) -> None:
    await recogniser.wait_ready("scripted")
    (stopped,) = health(recogniser).pids
    os.kill(stopped, signal.SIGSTOP)
    assert await decoded(recogniser, "alfa bravo") == "alfa bravo"
    assert not psutil.pid_exists(stopped)


def test_patience_grows_with_the_audio() -> None:
    second, minute = (a_job(samples=16_000 * n).request for n in (1, 60))
    assert Patience().for_batch([second]) == 15.0
    assert Patience().for_batch([second, minute]) == 315.0


@with_options(workers=1)
@pytest.mark.parametrize("fault", ["refuse", "swallow", "nothing", "nan", "disorder", "babble"])
async def test_nonsense_fails_its_own_job_and_costs_no_worker(
    recogniser: Recogniser, fault: str
) -> None:
    with pytest.raises(DecodeFailedError) as failure:
        await decoded(recogniser, f"alfa {fault} bravo")
    assert str(failure.value)
    assert await decoded(recogniser, "charlie") == "charlie"
    assert (health(recogniser).lost, recogniser.stats().failed) == (0, 1)


@with_options(workers=1)
async def test_what_a_library_prints_does_not_reach_the_frames(recogniser: Recogniser) -> None:
    def printed(text: str) -> bool:
        texts = (entry["text"] for entry in entries if entry["event"] == "worker_output_received")
        return any(text in each for each in texts)

    with capture_logs() as entries:
        assert await decoded(recogniser, "print alfa") == "print alfa"
        assert await decoded(recogniser, "bravo") == "bravo"
        await until(lambda: printed("a stray line from C"))
    assert printed("a stray line from Python")
    assert health(recogniser).lost == 0


@with_options(workers=1, rtf=1.0)
async def test_a_caller_who_leaves_disturbs_nobody(recogniser: Recogniser) -> None:
    await recogniser.wait_ready("scripted")
    (running,) = handed_in(recogniser, a_sung_job("alfa", session="running"))
    await until(lambda: health(recogniser).busy == 1)
    left, waiting = handed_in(
        recogniser, a_sung_job("bravo", session="left"), a_sung_job("charlie", session="waiting")
    )
    await until(lambda: recogniser.stats().waiting == 2)
    running.cancel()
    left.cancel()
    assert (await asyncio.wait_for(waiting, BOUND)).text == "charlie"
    assert recogniser.stats().audio_seconds == pytest.approx(0.8)


@with_options(workers=1, rtf=1.0)
async def test_closing_finishes_what_runs_and_refuses_what_waits(recogniser: Recogniser) -> None:
    await recogniser.wait_ready("scripted")
    (running,) = handed_in(recogniser, a_sung_job("alfa", session="running"))
    await until(lambda: health(recogniser).busy == 1)
    (waiting,) = handed_in(recogniser, a_sung_job("bravo", session="waiting"))
    await asyncio.sleep(0)
    await asyncio.wait_for(recogniser.close(grace=BOUND), BOUND)
    assert (await running).text == "alfa"
    with pytest.raises(RecogniserClosedError):
        await waiting
    with pytest.raises(RecogniserClosedError):
        await decoded(recogniser, "charlie")
    assert children() == []


@with_options(workers=1)
async def test_closing_does_not_wait_for_a_hanging_worker_past_its_grace(
    recogniser: Recogniser,
) -> None:
    await recogniser.wait_ready("scripted")
    (hanging,) = handed_in(recogniser, a_sung_job("hang"))
    await until(lambda: health(recogniser).busy == 1)
    await asyncio.wait_for(recogniser.close(grace=0.1), BOUND)
    with pytest.raises(RecogniserClosedError):
        await hanging
    assert children() == []


async def test_closing_while_workers_start_leaves_none_behind(recogniser: Recogniser) -> None:
    await until(lambda: bool(children()))
    await asyncio.wait_for(recogniser.close(), BOUND)
    assert children() == []


async def test_closing_at_any_moment_of_the_start_leaves_nothing_behind() -> None:
    """A spawn that was cancelled half-way used to leave its process running."""
    for steps in range(12):
        recogniser = Recogniser({"scripted": SCRIPTED}, clock=time.monotonic, workers=1)
        await recogniser.start()
        for _ in range(steps):
            await asyncio.sleep(0)
        await asyncio.wait_for(recogniser.close(grace=0), BOUND)
        assert children() == []


@with_options(workers=1, spec=EngineSpec("vivavoce.nowhere:load"))
async def test_an_engine_that_does_not_load_is_reported_and_its_jobs_wait(
    recogniser: Recogniser,
) -> None:
    (task,) = handed_in(recogniser, a_sung_job("alfa"))
    await until(lambda: health(recogniser).failing)
    (reason,) = health(recogniser).last_errors
    assert "could not be loaded: ModuleNotFoundError" in reason
    assert not task.done()
    await recogniser.close()
    with pytest.raises(RecogniserClosedError):
        await task


@with_options(workers=1, patience=Patience(load=0.05))
async def test_an_engine_that_loads_for_ever_is_given_up(recogniser: Recogniser) -> None:
    await until(lambda: health(recogniser).lost >= 2)
    assert "no answer in" in health(recogniser).last_errors[0]


@with_options(workers=1)
@pytest.mark.parametrize("polite", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_to_the_whole_group_leaves_the_workers_to_the_server(
    recogniser: Recogniser, polite: signal.Signals
) -> None:
    await recogniser.wait_ready("scripted")
    (pid,) = health(recogniser).pids
    os.kill(pid, polite)
    assert await decoded(recogniser, "alfa") == "alfa"
    assert health(recogniser).pids == (pid,)


@with_options(workers=2, rtf=0.05)
async def test_finals_are_the_same_whether_workers_die_or_not(recogniser: Recogniser) -> None:
    words = [f"{first} {second}" for first in ORDINARY for second in ORDINARY[:3]]
    jobs = (a_sung_job(text, session=text, deadline=n) for n, text in enumerate(words))
    tasks = handed_in(recogniser, *jobs)
    killed_at = 0
    while not all(task.done() for task in tasks):
        done, pids = recogniser.stats().done, health(recogniser).pids
        if done - killed_at >= 8 and pids:
            os.kill(pids[0], signal.SIGKILL)
            killed_at = done
        await asyncio.sleep(0.005)
    assert [task.result().text for task in tasks] == words
    assert health(recogniser).lost >= 3


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        (a_job(engine="nobody"), "no engine is named 'nobody'"),
        (a_job(deadline=float("nan")), "deadline"),
        (a_job(samples=0), "at least one"),
        (a_job(samples=4_000_000), "bytes of audio"),
    ],
)
@with_options(workers=1)
async def test_a_malformed_job_is_refused_with_a_reason(
    recogniser: Recogniser, job: Job, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        await recogniser.decode(job)


def test_arguments_that_are_no_plain_data_are_refused_when_the_server_is_composed() -> None:
    spec = EngineSpec(SCRIPTED.loader, {"faults": object()})
    with pytest.raises(TypeError):
        Recogniser({"scripted": spec}, clock=time.monotonic)


def test_it_works_on_the_servers_event_loop() -> None:
    async def crash_and_go_on() -> str:
        recogniser = Recogniser({"scripted": SCRIPTED}, clock=time.monotonic, workers=1)
        await recogniser.start()
        with pytest.raises(PoisonedError):
            await decoded(recogniser, "crash")
        text = await decoded(recogniser, "alfa")
        await recogniser.close()
        return text

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(crash_and_go_on()) == "alfa"
    assert children() == []


_PARENT = """
import asyncio, sys, time
from recognition_support import SCRIPTED, a_sung_job
from vivavoce.recognition.recogniser import Recogniser

async def main():
    recogniser = Recogniser({"scripted": SCRIPTED}, clock=time.monotonic, workers=1)
    await recogniser.start()
    await recogniser.wait_ready("scripted")
    task = asyncio.create_task(recogniser.decode(a_sung_job(sys.argv[1])))
    while not (task.done() or recogniser.health()["scripted"].busy):
        await asyncio.sleep(0.01)
    print(*recogniser.health()["scripted"].pids, flush=True)
    await asyncio.sleep(3600)

asyncio.run(main())
"""


@pytest.mark.parametrize("text", ["alfa", "hang"], ids=["idle", "busy"])
def test_a_worker_does_not_outlive_its_server(text: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT, text],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    ) as parent:
        assert parent.stdout is not None
        worker = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    gone, _ = psutil.wait_procs([worker], timeout=2)
    assert gone == [worker]
