"""The desk without workers: the test takes the jobs and brings the answers itself."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from recognition_support import a_job
from vivavoce.recognition.contract import Hypothesis
from vivavoce.recognition.desk import Desk
from vivavoce.recognition.errors import (
    DecodeFailedError,
    PoisonedError,
    SessionCancelledError,
    Superseded,
)
from vivavoce.recognition.frames import Answer, Decoded
from vivavoce.recognition.jobs import Job
from vivavoce.recognition.scheduler import Scheduler

HEARD = Hypothesis("hello", (), "en", 1.0)


def a_desk(max_waiting_partials: int = 64) -> Desk:
    scheduler = Scheduler(max_waiting_partials=max_waiting_partials)
    return Desk(["scripted"], scheduler, clock=lambda: 0.0)


async def handed_in(desk: Desk, *jobs: Job) -> list[asyncio.Task[Hypothesis]]:
    tasks = [asyncio.create_task(desk.decode(job)) for job in jobs]
    await asyncio.sleep(0)
    return tasks


async def settled(task: asyncio.Task[Hypothesis]) -> Hypothesis:
    return await asyncio.wait_for(task, 5)


def answer(desk: Desk, batch: Sequence[Job]) -> None:
    sound = Answer(hypothesis=msgspec.msgpack.encode(HEARD))
    desk.answered(batch, Decoded((sound,) * len(batch), cpu_seconds=0.25))


async def test_an_answer_reaches_the_one_who_awaits_it() -> None:
    desk, job = a_desk(), a_job()
    (task,) = await handed_in(desk, job)
    answer(desk, await desk.take("scripted", 1))
    assert await settled(task) == HEARD
    stats = desk.stats()
    assert (stats.done, stats.batches, stats.audio_seconds, stats.cpu_seconds) == (1, 1, 1.0, 0.25)


async def test_a_waiting_worker_wakes_up_for_a_job() -> None:
    desk, job = a_desk(), a_job()
    take = asyncio.create_task(desk.take("scripted", 1))
    await asyncio.sleep(0)
    (task,) = await handed_in(desk, job)
    assert await asyncio.wait_for(take, 5) == (job,)
    task.cancel()


async def test_a_worker_that_stops_waiting_takes_no_job_with_it() -> None:
    desk, job = a_desk(), a_job()
    take = asyncio.create_task(desk.take("scripted", 1))
    await asyncio.sleep(0)
    (task,) = await handed_in(desk, job)
    take.cancel()
    await asyncio.wait({take})
    assert await desk.take("scripted", 1) == (job,)
    task.cancel()


async def test_no_more_than_four_jobs_are_taken_at_once() -> None:
    desk = a_desk()
    tasks = await handed_in(desk, *(a_job("refresh_partial", session=str(n)) for n in range(9)))
    assert len(await desk.take("scripted", 100)) == 4
    for task in tasks:
        task.cancel()


async def test_a_partial_is_told_that_it_gave_way() -> None:
    desk = a_desk()
    older, newer = await handed_in(desk, a_job("first_partial"), a_job("refresh_partial"))
    with pytest.raises(Superseded, match="newer"):
        await settled(older)
    newer.cancel()
    assert desk.stats().superseded == 1


async def test_a_shed_partial_is_told_so_at_once() -> None:
    desk = a_desk(max_waiting_partials=1)
    kept, shed = await handed_in(
        desk,
        a_job("refresh_partial", session="a", deadline=1),
        a_job("refresh_partial", session="b", deadline=2),
    )
    with pytest.raises(Superseded, match="too many"):
        await settled(shed)
    kept.cancel()
    assert desk.stats().shed == 1


async def test_a_caller_who_leaves_takes_his_job_along() -> None:
    desk = a_desk()
    gone, stays = await handed_in(desk, a_job(deadline=1), a_job(session="other", deadline=2))
    gone.cancel()
    await asyncio.wait({gone})
    assert [job.session for job in await desk.take("scripted", 4)] == ["other"]
    stays.cancel()


async def test_an_answer_for_a_caller_who_left_is_dropped() -> None:
    desk = a_desk()
    (task,) = await handed_in(desk, a_job())
    batch = await desk.take("scripted", 1)
    task.cancel()
    await asyncio.wait({task})
    answer(desk, batch)
    desk.lost(batch)
    assert desk.stats().waiting == 0


async def test_a_failed_decode_is_told_with_its_reason() -> None:
    desk = a_desk()
    (task,) = await handed_in(desk, a_job())
    batch = await desk.take("scripted", 1)
    desk.answered(batch, Decoded((Answer(error="out of tune"),), 0.0))
    with pytest.raises(DecodeFailedError, match="out of tune"):
        await settled(task)
    assert (desk.stats().failed, desk.stats().done) == (1, 0)


async def test_one_bad_answer_spoils_no_other() -> None:
    desk = a_desk()
    jobs = (a_job("refresh_partial", session=session) for session in "ab")
    bad, good = await handed_in(desk, *jobs)
    batch = await desk.take("scripted", 2)
    sound = Answer(hypothesis=msgspec.msgpack.encode(HEARD))
    desk.answered(batch, Decoded((Answer(hypothesis=b"\xc1"), sound), 0.0))
    assert await settled(good) == HEARD
    with pytest.raises(DecodeFailedError):
        await settled(bad)


async def test_the_jobs_of_a_lost_worker_come_back_one_by_one() -> None:
    desk = a_desk()
    jobs = [a_job("refresh_partial", session=str(n), deadline=n) for n in range(3)]
    tasks = await handed_in(desk, *jobs)
    desk.lost(await desk.take("scripted", 4))
    again = [await desk.take("scripted", 4) for _ in jobs]
    assert again == [(job,) for job in jobs]
    for batch in again:
        answer(desk, batch)
    assert [await settled(task) for task in tasks] == [HEARD] * 3


async def test_a_job_that_loses_two_workers_is_poisoned() -> None:
    desk = a_desk()
    (task,) = await handed_in(desk, a_job())
    desk.lost(await desk.take("scripted", 1))
    desk.lost(await desk.take("scripted", 1))
    with pytest.raises(PoisonedError):
        await settled(task)
    assert (desk.stats().poisoned, desk.stats().waiting) == (1, 0)


async def test_a_job_that_its_worker_never_got_has_no_strike() -> None:
    desk = a_desk()
    (task,) = await handed_in(desk, a_job())
    for _ in range(5):
        desk.returned(await desk.take("scripted", 1))
    answer(desk, await desk.take("scripted", 1))
    assert await settled(task) == HEARD


async def test_a_channel_whose_partials_lose_workers_has_to_wait_for_its_final() -> None:
    desk = a_desk()
    lost = []
    for _ in range(2):
        lost += await handed_in(desk, a_job("refresh_partial"))
        desk.lost(await desk.take("scripted", 1))
        desk.cancel("unrelated")
    (refused,) = await handed_in(desk, a_job("refresh_partial"))
    with pytest.raises(PoisonedError):
        await settled(refused)
    (final,) = await handed_in(desk, a_job())
    answer(desk, await desk.take("scripted", 1))
    assert await settled(final) == HEARD
    (accepted,) = await handed_in(desk, a_job("first_partial"))
    answer(desk, await desk.take("scripted", 1))
    assert await settled(accepted) == HEARD
    superseded, poisoned = await asyncio.gather(*lost, return_exceptions=True)
    assert isinstance(superseded, Superseded)
    assert isinstance(poisoned, PoisonedError)


async def test_cancelling_a_session_ends_its_waiting_and_its_running_jobs() -> None:
    desk = a_desk()
    running, waiting, other = await handed_in(
        desk, a_job(deadline=0), a_job(deadline=1), a_job(session="other", deadline=2)
    )
    batch = await desk.take("scripted", 1)
    desk.cancel("s")
    for task in (running, waiting):
        with pytest.raises(SessionCancelledError):
            await settled(task)
    answer(desk, batch)
    answer(desk, await desk.take("scripted", 4))
    assert await settled(other) == HEARD


async def test_a_job_cannot_be_handed_in_twice() -> None:
    desk, job = a_desk(), a_job()
    (task,) = await handed_in(desk, job)
    with pytest.raises(ValueError, match="twice"):
        await desk.decode(job)
    answer(desk, await desk.take("scripted", 1))
    assert await settled(task) == HEARD


async def test_a_foreseen_final_is_answered_though_nothing_confirmed_it() -> None:
    desk = a_desk()
    (task,) = await handed_in(desk, a_job("foreseen"))
    answer(desk, await desk.take("scripted", 4))
    assert await settled(task) == HEARD


async def test_a_confirmed_final_overtakes_partials_and_drops_its_channels_own() -> None:
    desk, foreseen = a_desk(), a_job("foreseen", deadline=0.5)
    own, other, task = await handed_in(
        desk, a_job("refresh_partial"), a_job("first_partial", session="other"), foreseen
    )
    desk.confirm(foreseen)
    with pytest.raises(Superseded):
        await settled(own)
    assert await desk.take("scripted", 1) == (foreseen,)
    for each in (other, task):
        each.cancel()


async def test_a_foreseen_final_that_nobody_wants_any_more_is_not_decoded() -> None:
    desk, foreseen = a_desk(), a_job("foreseen")
    (task,) = await handed_in(desk, foreseen)
    task.cancel()
    await asyncio.wait({task})
    desk.confirm(foreseen)
    assert desk.stats().waiting == 0


async def test_confirming_what_is_with_a_worker_only_drops_the_partial_behind_it() -> None:
    desk, foreseen = a_desk(), a_job("foreseen")
    (task,) = await handed_in(desk, foreseen)
    batch = await desk.take("scripted", 1)
    (partial,) = await handed_in(desk, a_job("refresh_partial"))
    desk.confirm(foreseen)
    desk.confirm(foreseen)
    with pytest.raises(Superseded):
        await settled(partial)
    assert desk.stats().waiting == 0
    answer(desk, batch)
    assert await settled(task) == HEARD


async def test_confirming_what_is_answered_drops_the_partial_behind_it() -> None:
    desk, foreseen = a_desk(), a_job("foreseen")
    task, partial = await handed_in(desk, foreseen, a_job("refresh_partial", deadline=0.5))
    answer(desk, await desk.take("scripted", 1))
    assert await settled(task) == HEARD
    desk.confirm(foreseen)
    with pytest.raises(Superseded):
        await settled(partial)


async def test_a_confirmed_final_whose_worker_is_lost_comes_back_as_a_final() -> None:
    desk, foreseen = a_desk(), a_job("foreseen", deadline=0.5)
    (task,) = await handed_in(desk, foreseen)
    batch = await desk.take("scripted", 1)
    desk.confirm(foreseen)
    (other,) = await handed_in(desk, a_job("first_partial", session="other", deadline=-1))
    desk.lost(batch)
    assert await desk.take("scripted", 4) == (foreseen,)
    desk.lost((foreseen,))
    with pytest.raises(PoisonedError):
        await settled(task)
    other.cancel()


async def test_a_foreseen_final_that_loses_a_worker_is_tried_again_when_it_is_confirmed() -> None:
    desk, foreseen = a_desk(), a_job("foreseen")
    (task,) = await handed_in(desk, foreseen)
    desk.lost(await desk.take("scripted", 1))
    assert desk.stats().waiting == 0
    desk.confirm(foreseen)
    answer(desk, await desk.take("scripted", 1))
    assert await settled(task) == HEARD


async def test_no_final_is_foreseen_of_audio_whose_partial_lost_a_worker() -> None:
    desk, foreseen = a_desk(), a_job("foreseen")
    (partial,) = await handed_in(desk, a_job("refresh_partial"))
    desk.lost(await desk.take("scripted", 1))
    (task,) = await handed_in(desk, foreseen)
    assert [job.kind for job in await desk.take("scripted", 4)] == ["refresh_partial"]
    assert desk.stats().waiting == 0
    partial.cancel()
    desk.confirm(foreseen)
    answer(desk, await desk.take("scripted", 1))
    assert await settled(task) == HEARD


async def test_a_foreseen_final_handed_back_by_its_worker_waits_again() -> None:
    desk, foreseen = a_desk(), a_job("foreseen")
    (task,) = await handed_in(desk, foreseen)
    desk.returned(await desk.take("scripted", 1))
    assert await desk.take("scripted", 1) == (foreseen,)
    task.cancel()
