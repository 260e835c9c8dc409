"""Deliveries in simulated time: days of failing endpoints and dying servers, and what must hold."""

import asyncio
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

import virtual_time
from delivery_world import OK, Step, World, world
from vivavoce.delivery.port import Answer
from vivavoce.delivery.schedule import DAY, Policy
from vivavoce.delivery.slots import Slots

MESSAGE = b'{"type":"speech_start"}'

failures = st.sampled_from(
    [
        Answer(500),
        Answer(302),
        Answer(404),
        Answer(429, retry_after=30.0),
        Answer(503, retry_after=7200.0),
        Answer(None, failure="the connection was refused"),
    ]
)
steps = st.builds(
    Step,
    st.one_of(st.just(OK), failures),
    st.sampled_from([0.001, 0.01, 1.0, 15.0]),
)
scripts = st.lists(steps, max_size=12)
policies = st.builds(
    Policy,
    st.sampled_from([(5.0,), (1.0, 60.0, 3600.0)]),
    st.sampled_from([10.0, 3600.0, 3 * DAY]),
)


@st.composite
def endpoints(draw: st.DrawFn) -> dict[str, list[Step]]:
    names = [f"https://e{number}.example/hook" for number in range(draw(st.integers(1, 3)))]
    return {name: draw(scripts) for name in names}


@given(
    scripts=endpoints(),
    policy=policies,
    sessions=st.integers(1, 4),
    messages=st.integers(1, 6),
    kills=st.lists(st.floats(0.0, 40.0), max_size=4),
    seed=st.integers(0, 2**16),
)
@settings(max_examples=60, deadline=None)
def test_every_message_arrives_in_order_or_is_kept_whatever_fails(
    scripts: dict[str, list[Step]],
    policy: Policy,
    sessions: int,
    messages: int,
    kills: list[float],
    seed: int,
) -> None:
    left = {url: list(script) for url, script in scripts.items()}

    def behaviour(url: str, _now: float) -> Step:
        return left[url].pop(0) if left[url] else Step()

    async def story(here: World) -> None:
        dice = Random(seed)
        here.start()
        for _ in range(messages):
            for number in range(sessions):
                here.announce(f"s{number}", dice.choice(sorted(scripts)), MESSAGE)
            await asyncio.sleep(dice.choice([0.0, 0.005, 2.0]))
        for pause in kills:
            await asyncio.sleep(pause)
            await here.kill()
            here.check()
            await asyncio.sleep(dice.choice([0.0, 5.0, DAY]))
            here.start()
        await here.until_quiet()
        here.check()
        await here.kill()

    with world(behaviour, policy=policy, seed=seed) as here:
        virtual_time.run(story(here))


@given(seed=st.integers(0, 2**16), dead_sessions=st.integers(1, 120))
@settings(max_examples=8, deadline=None)
def test_one_dead_endpoint_slows_nobody(seed: int, dead_sessions: int) -> None:
    """It lets each request run into its time limit; the others are told as if it were not there."""
    dead, healthy = "https://dead.example/", [f"https://h{n}.example/" for n in range(10)]

    def behaviour(url: str, _now: float) -> Step:
        timed_out = Answer(None, failure="no answer in time")
        return Step(timed_out, 15.0) if url == dead else Step(OK, 0.01)

    async def story(here: World) -> None:
        dice = Random(seed)
        here.start()
        for number in range(dead_sessions):
            here.announce(f"dead{number}", dead, *[MESSAGE] * 3)
        told: dict[str, float] = {}
        for number in range(100):
            here.announce(f"live{number}", healthy[number % 10], MESSAGE)
            told[f"live{number}"] = here.now
            await asyncio.sleep(dice.uniform(0, 2.0))
        await asyncio.sleep(60)
        for number in range(100):
            session, url = f"live{number}", healthy[number % 10]
            [arrival] = [one.ended for one in here.tries if f"_{session}_" in one.id]
            assert arrival is not None
            assert arrival - told[session] < 0.1, f"{url} had to wait for a dead one"
        assert here.most_at_once <= Slots().total
        await here.kill()

    with world(behaviour, seed=seed) as here:
        virtual_time.run(story(here))


def test_an_endpoint_that_is_down_for_two_days_gets_everything_once_it_is_back() -> None:
    began: list[float] = []

    def behaviour(_url: str, now: float) -> Step:
        began.append(now)
        down = now - began[0] < 2 * DAY
        return Step(Answer(None, failure="the connection was refused") if down else OK)

    async def story(here: World) -> None:
        here.start()
        here.announce("s", "https://down.example/", *[MESSAGE] * 50)
        await here.until_quiet()
        here.check()
        assert (
            here.arrived("https://down.example/", "s")
            == here.announced["s", "https://down.example/"]
        )
        assert not here.dead()
        assert len(began) - 50 < 40, "it was left in peace meanwhile"
        await here.kill()

    with world(behaviour) as here:
        virtual_time.run(story(here))


def test_what_is_down_for_good_is_given_up_after_three_days_and_kept() -> None:
    async def story(here: World) -> None:
        here.start()
        here.announce("s", "https://down.example/", *[MESSAGE] * 20)
        begun = here.now
        await here.until_quiet()
        assert 3 * DAY <= here.now - begun < 3 * DAY + DAY / 3
        assert [letter.id for letter in here.dead()] == here.announced["s", "https://down.example/"]
        assert {letter.cause for letter in here.dead()} == {"HTTP 500"}
        here.check()
        await here.kill()

    with world(lambda *_: Step(Answer(500))) as here:
        virtual_time.run(story(here))
