"""``kill -9`` of the server at random moments while its receiver fails at random as well.

A few rounds with the other tests; ``make deliveries SEED=1 COUNT=200`` for as many as one likes.
"""

import asyncio
import os
import random
from pathlib import Path

from integration.delivered import Told, serving
from integration.receiver_process import ReceiverProcess, receiving
from integration.scripted_receiver import Step
from integration.speech import TIMES, spoken
from integration.wire import Api

SEED = int(os.environ.get("DELIVERIES_SEED", "20261121"))
COUNT = int(os.environ.get("DELIVERIES_COUNT", "4"))
KILLS = 4
"""Kills in each round of sessions."""

SESSIONS = 3

MISHAPS = (
    Step(status=500),
    Step(status=503, headers={"retry-after": "0"}),
    Step(status=302, headers={"location": "http://127.0.0.1:1/"}),
    Step("slow", seconds=0.2),
    Step("reset"),
    Step("reset-head"),
    Step("hang-up"),
    Step("garbage"),
)


async def test_every_message_arrives_once_and_in_order_though_the_server_is_killed(
    models: Path, tmp_path: Path
) -> None:
    dice = random.Random(SEED)
    kills = 0
    for number in range(-(-COUNT // KILLS)):
        folder = tmp_path / f"round-{number}"
        folder.mkdir()
        with receiving(folder / "received.jsonl") as receiver:
            kills += await one_round(models, folder, receiver, dice)
    assert kills >= COUNT


async def one_round(
    models: Path, folder: Path, receiver: ReceiverProcess, dice: random.Random
) -> int:
    """Sessions that go on while the server is killed again and again; gives the kills."""
    audio = spoken(TIMES).audio
    with serving(folder / "data", models).running() as server:
        told = [Told(Api(server.url), receiver, f"/{n}", audio) for n in range(SESSIONS)]
        for one in told:
            receiver.tell(*misfortune(dice), path=one.path)
            await one.create()
        pause = dice.uniform(0.0, 0.05)
        talks = [asyncio.create_task(one.talk(pause), name=one.path) for one in told]
        for _ in range(KILLS):
            await asyncio.sleep(dice.uniform(0.0, 1.0))
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
        await asyncio.gather(*talks)
        for one in told:
            await one.until_over()
            await one.prove()
    return KILLS


def misfortune(dice: random.Random) -> list[Step]:
    """Answers to the next requests, a third of them failures."""
    return [dice.choice(MISHAPS) if dice.random() < 1 / 3 else Step() for _ in range(60)]
