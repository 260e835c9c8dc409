import asyncio
from collections.abc import Sequence
from threading import Event

import pytest

from vivavoce.delivery import resolver
from vivavoce.delivery.addresses import Address, parsed


async def test_the_system_knows_this_machine() -> None:
    asking = resolver.SystemResolver()
    found = await asking.addresses("localhost")
    asking.close()
    assert found
    assert all(one is not None and one.is_loopback for one in found)


async def test_a_name_that_nobody_has_is_an_error() -> None:
    asking = resolver.SystemResolver()
    with pytest.raises((OSError, UnicodeError)):
        await asking.addresses("a" * 64)  # too long to be asked for
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
    slow = [asyncio.create_task(asking.addresses("slow.example")) for _ in range(50)]
    await asyncio.sleep(0)
    slow[0].cancel()
    assert await asking.addresses("other.example") == [parsed("192.0.2.1")]
    answered.set()
    assert set(map(tuple, await asyncio.gather(*slow[1:]))) == {(parsed("192.0.2.1"),)}
    assert sorted(asked) == ["other.example", "slow.example"]
    asking.close()
