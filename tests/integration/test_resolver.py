import asyncio
from collections.abc import Sequence
from threading import Event

import pytest

from vivavoce.delivery import resolver
from vivavoce.delivery.addresses import Address, parsed


async def test_the_system_knows_this_machine() -> None:
    asking = resolver.SystemResolver()
    found = await asking.addresses("localhost", "a", None)
    asking.close()
    assert found
    assert all(one is not None and one.is_loopback for one in found)


async def test_a_name_that_nobody_has_is_an_error() -> None:
    asking = resolver.SystemResolver()
    with pytest.raises((OSError, UnicodeError)):
        await asking.addresses("a" * 64, "a", None)  # too long to be asked for
    asking.close()


async def test_a_name_is_looked_up_once_at_a_time_and_a_slow_one_holds_no_other_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    answered = Event()

    def look_up(host: str) -> Sequence[Address | None]:
        asked.append(host)
        if host == "slow.example":
            answered.wait(10)
        return [parsed("192.0.2.1")]

    monkeypatch.setattr(resolver, "look_up", look_up)
    asking = resolver.SystemResolver()
    slow = [asyncio.create_task(asking.addresses("slow.example", "a", None)) for _ in range(50)]
    await asyncio.sleep(0)
    slow[0].cancel()
    assert await asking.addresses("other.example", "a", None) == [parsed("192.0.2.1")]
    answered.set()
    assert set(map(tuple, await asyncio.gather(*slow[1:]))) == {(parsed("192.0.2.1"),)}
    assert sorted(asked) == ["other.example", "slow.example"]
    asking.close()


class Names:
    """A look-up whose names ending in ``dead.example`` are not answered until ``answered``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.answered = Event()
        monkeypatch.setattr(resolver, "look_up", self._look_up)

    def _look_up(self, host: str) -> Sequence[Address | None]:
        self.asked.append(host)
        if host.endswith("dead.example"):
            self.answered.wait(20)
            raise OSError("no such host")
        return [parsed("192.0.2.1")]


async def test_dead_names_of_one_owner_hold_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixteen of them held up the look-ups of all deliveries."""
    names = Names(monkeypatch)
    asking = resolver.SystemResolver()
    dead = [
        asyncio.create_task(asking.addresses(f"{n}.dead.example", "attacker", 0.2))
        for n in range(100)
    ]
    await asyncio.sleep(0.01)
    async with asyncio.timeout(5):
        found = [await asking.addresses(f"{n}.example", "other", 5) for n in range(20)]
    assert found == [[parsed("192.0.2.1")]] * 20
    assert len([name for name in names.asked if "dead" in name]) == resolver.SHARE

    own = asyncio.create_task(asking.addresses("good.example", "attacker", 0.2))
    await asyncio.sleep(0.4)  # longer than its patience: the wait for a turn does not count
    assert not own.done()
    names.answered.set()
    assert await own == [parsed("192.0.2.1")]
    outcomes = await asyncio.gather(*dead, return_exceptions=True)
    assert all(isinstance(outcome, OSError) for outcome in outcomes)
    asking.close()


async def test_a_turn_is_kept_as_long_as_the_thread_and_nobody_is_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = Names(monkeypatch)
    asking = resolver.SystemResolver(threads=4, share=2)
    for n in range(2):
        with pytest.raises(TimeoutError):
            await asking.addresses(f"{n}.dead.example", "a", 0.02)
    waiting = asyncio.create_task(asking.addresses("2.dead.example", "a", 0.02))
    await asyncio.sleep(0.05)
    assert len(names.asked) == 2, "two threads still wait for answers that nobody awaits"
    waiting.cancel()
    await asyncio.wait([waiting])
    names.answered.set()
    await asking.addresses("b.example", "b", 5)
    async with asyncio.timeout(5):
        while asking.busy:  # noqa: ASYNC110  a thread's work has no event to wait for
            await asyncio.sleep(0.01)
    asking.close()
