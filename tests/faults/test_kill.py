"""``kill -9`` of the server: at any instant, within named system calls, while it comes back."""

import random

import pytest

from faults import kills, strace
from faults.callers import CALLERS, Passage, official, own
from faults.conftest import Ledger
from faults.rounds import Caller, Plan
from faults.seeds import some, takes_time
from integration.server_process import ServerProcess

needs_strace = pytest.mark.skipif(bool(strace.missing()), reason=str(strace.missing()))


@pytest.mark.share(9)
@pytest.mark.parametrize("caller", some(CALLERS, official, own))
async def test_f001_nothing_is_lost_when_the_server_is_killed_at_any_instant(
    scripted: ServerProcess,
    passages: list[Passage],
    dice: random.Random,
    count: int,
    ledger: Ledger,
    caller: Caller,
) -> None:
    plan = Plan(scripted, passages, dice, count, [caller])
    with ledger.fault(f"kill -9 at random, {caller.__name__}") as row:
        await plan.carry_out(row, kills.at_random(dice))


@pytest.mark.share(20)
async def test_f001_the_real_engine_hears_the_same_whenever_the_server_is_killed(
    real: ServerProcess,
    real_passages: list[Passage],
    dice: random.Random,
    count: int,
    ledger: Ledger,
) -> None:
    plan = Plan(real, real_passages, dice, count)
    with ledger.fault("kill -9 at random, real engine") as row:
        await plan.carry_out(row, kills.at_random(dice))


NAMED = {
    "pwrite64": "a page of the journal is written",
    "fdatasync": "the journal is synced",
    "write": "synced, the answer not sent",
    "epoll_pwait": "every answer sent",
}
"""System calls that stand for a point on the way from the socket to the disk and back."""


@needs_strace
@pytest.mark.share(5)
@pytest.mark.parametrize("call", some(NAMED, "pwrite64", "write"))
async def test_f002_nothing_is_lost_when_the_server_is_killed_within_a_write_or_sync(
    scripted: ServerProcess,
    passages: list[Passage],
    dice: random.Random,
    count: int,
    ledger: Ledger,
    call: str,
) -> None:
    plan = Plan(scripted, passages, dice, count)
    with ledger.fault(f"kill -9 in {call}: {NAMED[call]}") as row:
        await plan.carry_out(row, kills.within(dice, call))


@takes_time
@needs_strace
@pytest.mark.share(3)
@pytest.mark.parametrize("call", ["pwrite64", "write"])
async def test_f002_the_real_engine_hears_the_same_when_killed_within_a_call(
    real: ServerProcess,
    real_passages: list[Passage],
    dice: random.Random,
    count: int,
    ledger: Ledger,
    call: str,
) -> None:
    plan = Plan(real, real_passages, dice, count)
    with ledger.fault(f"kill -9 in {call}, real engine") as row:
        await plan.carry_out(row, kills.within(dice, call))


@takes_time
@pytest.mark.share(6)
async def test_f001_nothing_is_lost_when_the_server_is_killed_as_soon_as_it_is_back(
    scripted: ServerProcess,
    passages: list[Passage],
    dice: random.Random,
    count: int,
    ledger: Ledger,
) -> None:
    plan = Plan(scripted, passages, dice, count)
    with ledger.fault("kill -9 again as soon as it is back") as row:
        await plan.carry_out(row, kills.again_soon(dice))


@pytest.mark.share(6)
async def test_f001_nothing_is_lost_when_the_server_is_killed_at_any_instant_of_its_start(
    scripted: ServerProcess,
    passages: list[Passage],
    dice: random.Random,
    count: int,
    ledger: Ledger,
) -> None:
    plan = Plan(scripted, passages, dice, count)
    with ledger.fault("kill -9 at random while it starts") as row:
        await plan.carry_out(row, kills.while_starting(dice))


RECOVERY = ("pread64", "pwrite64", "fdatasync", "ftruncate", "unlink")


@needs_strace
@pytest.mark.share(6)
async def test_f002_nothing_is_lost_when_the_server_is_killed_within_its_recovery(
    scripted: ServerProcess,
    passages: list[Passage],
    dice: random.Random,
    count: int,
    ledger: Ledger,
) -> None:
    plan = Plan(scripted, passages, dice, count)
    with ledger.fault("kill -9 in a call of its recovery") as row:
        await plan.carry_out(row, kills.while_recovering(dice, RECOVERY))
