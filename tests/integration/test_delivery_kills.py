"""``kill -9`` of the server at random moments while its receiver fails at random as well.

A few rounds with the other tests; ``make deliveries SEED=1 COUNT=200`` for as many as one likes.
"""

import asyncio
import json
import os
import random
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from integration.delivered import Told, serving
from integration.receiver_process import Authority, ReceiverProcess, busy, receiving
from integration.scripted_receiver import Step
from integration.speech import TIMES, spoken
from integration.wire import Api

SEED = int(os.environ.get("DELIVERIES_SEED", "20261121"))
COUNT = int(os.environ.get("DELIVERIES_COUNT", "4"))
KILLS = 4
"""Kills in each round of sessions."""

SESSIONS = 3
"""In each round, and one more whose endpoint has a wrong certificate at first."""

LIFE = "/life"
"""Where the webhook of all sessions goes."""

LIVES = [f"live.{name}" for name in ("start_session", "start_recording")]
LIVES += [f"live.{name}" for name in ("end_recording", "end_session")]

MISHAPS = (
    Step(status=500),
    Step(status=503, headers={"retry-after": "0"}),
    busy(1),
    Step(status=302, headers={"location": "http://127.0.0.1:1/"}),
    Step("slow", seconds=0.2),
    Step("reset"),
    Step("reset-head"),
    Step("hang-up"),
    Step("garbage"),
)


@dataclass(slots=True)
class Account:
    """What was done and seen in all rounds.

    Attributes:
        outages: times that a receiver was away or had a wrong certificate.
        messages: that arrived, each counted once.
        tries: requests that reached a receiver.
        again: messages that came once more under an id that had been taken.
    """

    rounds: int = 0
    kills: int = 0
    outages: int = 0
    sessions: int = 0
    messages: int = 0
    tries: int = 0
    again: int = 0
    begun: float = field(default_factory=time.monotonic)

    def count(self, receiver: ReceiverProcess) -> None:
        """Add what a receiver has got."""
        messages = len(receiver.accepted())
        self.messages += messages
        self.tries += len(receiver.received())
        self.again += len(receiver.taken()) - messages

    def __str__(self) -> str:
        names = ("rounds", "kills", "outages", "sessions", "messages", "tries", "again")
        counts = ", ".join(f"{getattr(self, name)} {name}" for name in names)
        return f"{counts}, none lost, {time.monotonic() - self.begun:.0f} s"


async def test_every_message_arrives_once_and_in_order_though_the_server_is_killed(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dice = random.Random(SEED)
    account = Account()
    while account.kills < COUNT:
        folder = tmp_path / f"round-{account.rounds}"
        folder.mkdir()
        with ExitStack() as stack:
            await Round(models, folder, stack, dice, account).play()
        with capsys.disabled():
            sys.stdout.write(f"\n  seed {SEED}: {account}")
        shutil.rmtree(folder)


class Round:
    """Sessions that go on while the server is killed again and again and receivers fail."""

    def __init__(
        self, models: Path, folder: Path, stack: ExitStack, dice: random.Random, account: Account
    ) -> None:
        self._dice, self._account, self._stack = dice, account, stack
        authority = Authority(folder)
        wrong, self._right = map(authority.certificate, ("example.org", "127.0.0.1"))
        trust = {"SSL_CERT_FILE": str(authority.root)}
        self._server = stack.enter_context(serving(folder / "data", models, trust).running())
        self._receiver = stack.enter_context(receiving(folder / "received.jsonl"))
        self._strange_log = folder / "received-tls.jsonl"
        self._strange = stack.enter_context(receiving(self._strange_log, certificate=wrong))

    async def play(self) -> None:
        """Talk, kill, let everything heal, and prove that everything arrived."""
        told = await self._begin()
        pause = self._dice.uniform(0.0, 0.05)
        talks = [asyncio.create_task(one.talk(pause), name=one.path) for one in told]
        await self._kill()
        told[-1].receiver = self._mended()
        await self._kill()
        await asyncio.gather(*talks)
        for one in told:
            await one.until_over()
            await one.prove()
        self._prove_webhook([one.id for one in told])
        self._account.rounds += 1
        self._account.sessions += len(told)
        for receiver in (self._receiver, told[-1].receiver):
            self._account.count(receiver)

    async def _begin(self) -> list[Told]:
        """Sessions, and a webhook that tells of all of them."""
        api, audio = Api(self._server.url), spoken(TIMES).audio
        await api.call("POST", "/vivavoce/webhooks", {"url": self._receiver.url + LIFE})
        told = [Told(api, self._receiver, f"/{n}", audio) for n in range(SESSIONS)]
        told.append(Told(api, self._strange, "/tls", audio))
        for path in (LIFE, *(one.path for one in told)):
            self._receiver.tell(*misfortune(self._dice), path=path)
        for one in told:
            await one.create()
        return told

    async def _kill(self) -> None:
        """Kill the server, a fourth of the times while it starts; the receiver may be away."""
        away = self._dice.random() < 1 / 2
        if away:
            self._receiver.refuse()
            self._account.outages += 1
        starting = False
        for _ in range(KILLS // 2):
            await asyncio.sleep(self._dice.uniform(0.0, 1.0))
            await asyncio.to_thread(self._server.kill)
            self._account.kills += 1
            self._server.launch()
            starting = self._dice.random() < 1 / 4
            if not starting:
                await asyncio.to_thread(self._server.ready)
        if starting:
            await asyncio.to_thread(self._server.ready)
        if away:
            self._receiver.tell()

    def _mended(self) -> ReceiverProcess:
        """The strange receiver with the right certificate, which may fail otherwise."""
        assert not self._strange.received(), "a wrong certificate was trusted"
        self._strange.stop()
        mended = ReceiverProcess(
            self._strange_log, certificate=self._right, port=self._strange.port
        )
        mended.start()
        self._stack.callback(mended.stop)
        mended.tell(*misfortune(self._dice), path="/tls")
        self._account.outages += 1
        return mended

    def _prove_webhook(self, ids: Sequence[str]) -> None:
        """It was told once of each event in the life of each session, in order."""
        events = len(LIVES) * len(ids)
        self._receiver.until(lambda it: len(it.accepted(LIFE)) == events, seconds=60)
        bodies = [json.loads(one.body) for one in self._receiver.accepted(LIFE)]
        for name in ids:
            lived = [one["event"] for one in bodies if one["payload"]["id"] == name]
            assert lived == LIVES


def misfortune(dice: random.Random) -> list[Step]:
    """Answers to the next requests, a third of them failures."""
    return [dice.choice(MISHAPS) if dice.random() < 1 / 3 else Step() for _ in range(60)]
