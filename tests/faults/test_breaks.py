"""Breaks of utterances, asked for or noticed, under faults: the finals are those without faults."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from faults import kills, strace
from faults.callers import Call, Passage, Turns, finalizing, muting, official, own
from faults.conftest import PROGRAM, REAL, Ledger, StartServer, result_of
from faults.rounds import Caller, Plan, begun, calls
from faults.seeds import THIS, some
from integration.fault_proxy import Cut, FaultProxy
from integration.server_process import ServerProcess
from integration.stalling_proxy import StallingProxy
from integration.wire import Api, Session, finals

MUTE = "0.4"
"""Seconds of silence that the servers of these tests take for a mute."""

FRAME = 3_200
PLACES = (14 * FRAME, 33 * FRAME)
"""Bytes after which turns end: in the middle of what is said."""

needs_strace = pytest.mark.skipif(bool(strace.missing()), reason=str(strace.missing()))


@pytest.fixture(scope="session")
def turns(
    models: Path, passages: list[Passage], tmp_path_factory: pytest.TempPathFactory
) -> list[Turns]:
    """Passages with turns, and what the scripted engine makes of them when nothing breaks."""
    data = tmp_path_factory.mktemp("turns") / "data"
    with ServerProcess(data, settings(models), program=(str(PROGRAM),)).running() as server:
        return asyncio.run(undisturbed(server, passages))


@pytest.fixture(scope="session")
def real_turns(
    models: Path, real_passages: list[Passage], tmp_path_factory: pytest.TempPathFactory
) -> list[Turns]:
    """The same with the real engine."""
    data = tmp_path_factory.mktemp("turns-real") / "data"
    with ServerProcess(data, settings(models), program=REAL).running() as server:
        return asyncio.run(undisturbed(server, real_passages))


def settings(models: Path) -> dict[str, str]:
    """Settings of a server that knows no mutes: breaks are where they are asked for."""
    return {"VIVAVOCE_MODELS": str(models), "VIVAVOCE_MUTE_FINALIZE": "0"}


async def undisturbed(server: ServerProcess, passages: Sequence[Passage]) -> list[Turns]:
    """What a server makes of the passages with breaks in them; those where nobody speaks left out.

    Asked for or noticed, a break in the same place must lead to the same finals.
    """
    found: list[Turns] = []
    for passage in passages:
        whole = await told(server, passage.audio, dict.fromkeys(PLACES, 0.0))
        ends = sorted(whole.ends)
        breaks = {
            place: end for place in PLACES for end in ends if -0.1 < place / 32_000 - end < 0.1
        }
        if breaks:
            call = await told(server, passage.audio, breaks)
            api = Api(server.url)
            result = await result_of(api, Session(call.session_id, "", ""))
            found.append(Turns(passage.audio, finals(call.history.messages), result, breaks))
    assert len(found) > 1
    assert any(len(turns.breaks) > 1 for turns in found)
    return found


async def told(server: ServerProcess, audio: bytes, breaks: Mapping[int, float]) -> Call:
    """A call with breaks on a server that nothing happens to."""
    call = Call(Turns(audio, [], {}, breaks), pause=0.0)
    call.go_on.set()
    await finalizing(call, server.url)
    return call


@pytest.fixture
def noticing(start_server: StartServer) -> ServerProcess:
    """A server with the scripted engine that notices mutes."""
    return start_server(settings={"VIVAVOCE_MUTE_FINALIZE": MUTE})


@pytest.mark.share(30)
async def test_f082_breaks_that_were_asked_for_survive_a_kill_at_any_instant(
    scripted: ServerProcess,
    turns: list[Turns],
    dice: random.Random,
    count: int,
    ledger: Ledger,
) -> None:
    plan = Plan(scripted, turns, dice, count, [finalizing])
    with ledger.fault("kill -9 at random, finalize") as row:
        await plan.carry_out(row, kills.at_random(dice))


@pytest.mark.share(30)
async def test_f082_mutes_make_the_same_finals_whenever_the_server_is_killed(
    noticing: ServerProcess,
    turns: list[Turns],
    dice: random.Random,
    count: int,
    ledger: Ledger,
) -> None:
    plan = Plan(noticing, turns, dice, count, [muting], held=False)
    with ledger.fault("kill -9 at random, mutes") as row:
        await plan.carry_out(row, kills.at_random(dice))


@pytest.mark.share(20)
async def test_f082_the_real_engine_hears_the_same_with_breaks(
    real: ServerProcess,
    real_turns: list[Turns],
    dice: random.Random,
    count: int,
    ledger: Ledger,
) -> None:
    plan = Plan(real, real_turns, dice, count, [finalizing])
    with ledger.fault("kill -9 at random, finalize, real engine") as row:
        await plan.carry_out(row, kills.at_random(dice))


@needs_strace
@pytest.mark.share(10)
@pytest.mark.parametrize("call", ["pwrite64", "write"])
async def test_f082_breaks_survive_a_kill_within_a_write_or_sync(
    scripted: ServerProcess,
    turns: list[Turns],
    dice: random.Random,
    count: int,
    ledger: Ledger,
    call: str,
) -> None:
    plan = Plan(scripted, turns, dice, count, [finalizing])
    with ledger.fault(f"kill -9 in {call}, finalize") as row:
        await plan.carry_out(row, kills.within(dice, call))


@pytest.mark.share(5)
@pytest.mark.parametrize("caller", [finalizing, muting], ids=["finalize", "mute"])
async def test_f082_breaks_survive_lines_that_break_within_a_frame(
    noticing: ServerProcess,
    turns: list[Turns],
    dice: random.Random,
    count: int,
    ledger: Ledger,
    caller: Caller,
) -> None:
    together = max(count, 6)
    places = [dice.randint(500, 120_000) for _ in range(2 * together)]
    # A mute on a line that is deaf one way would be noticed by the keepalive only, after 40 s.
    lossy = caller is finalizing
    cuts = [Cut(after, losing=dice.choice([0, after // 2]) * lossy) for after in places]
    proxy = FaultProxy(noticing.url, cuts)
    with ledger.fault(f"reset within a frame, {caller.__name__}") as row:
        async with proxy.running() as url:
            going = calls(noticing, turns, dice, together, [caller], url=url)
            async with going as at_work:
                row.sessions += together
                await at_work.prove()
            row.interrupted += proxy.sockets - together
    assert proxy.sockets > together


LONGEST_STALL = 10.0 if THIS.count >= 100 else 2.5
"""Seconds; the default silence that counts as a mute is 1."""

WAYS = [("up",), ("down",), ("up", "down")]


@pytest.mark.share(5)
@pytest.mark.parametrize("ways", some(WAYS, ("up", "down")), ids="+".join)
async def test_f083_nothing_is_cut_where_the_network_stalls(
    start_server: StartServer,
    passages: list[Passage],
    dice: random.Random,
    count: int,
    ledger: Ledger,
    ways: tuple[str, ...],
) -> None:
    server = start_server(settings={"VIVAVOCE_MUTE_FINALIZE": "1.0"})
    proxy = StallingProxy(server.url)
    with ledger.fault(f"a stall of up to {LONGEST_STALL:g} s, {' and '.join(ways)}") as row:
        async with proxy.running() as url:
            going = calls(server, passages, dice, count, [own, official], url=url)
            async with going as at_work:
                row.sessions += count
                await begun(at_work)
                await asyncio.sleep(dice.uniform(0, 0.3))
                at_work.interrupt(row)
                stalled = [getattr(proxy, way) for way in ways]
                await proxy.stall(*stalled, seconds=dice.uniform(0.5, LONGEST_STALL))
                await at_work.prove()
