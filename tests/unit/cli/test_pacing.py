"""How fast chunks are given out, on a clock of the test's own."""

from vivavoce.cli.pacing import at_full_speed, in_real_time


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


async def test_a_chunk_comes_when_its_last_sample_is_spoken() -> None:
    clock = Clock()
    given = [
        (clock.now, chunk)
        async for chunk in in_real_time(
            [b"aaaa", b"bb", b"cccc"], lambda size: size / 4, clock=clock, sleep=clock.sleep
        )
    ]
    assert given == [(101.0, b"aaaa"), (101.5, b"bb"), (102.5, b"cccc")]


async def test_a_delay_is_caught_up_on_and_leaves_no_drift() -> None:
    clock = Clock()
    times = []
    async for _chunk in in_real_time([b"x"] * 6, float, clock=clock, sleep=clock.sleep):
        times.append(clock.now)
        if len(times) == 2:
            clock.now += 2.5  # the network stood still
    assert times == [101.0, 102.0, 104.5, 104.5, 105.0, 106.0]


async def test_full_speed_keeps_the_order() -> None:
    assert [chunk async for chunk in at_full_speed([b"a", b"b"])] == [b"a", b"b"]
