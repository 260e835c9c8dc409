"""Sessions with callbacks to a receiver that fails, and the proof that everything arrived."""

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from integration.receiver_process import ReceiverProcess
from integration.scripted_receiver import Received
from integration.server_process import ServerProcess
from integration.speech import pieces
from integration.wire import Api, Json
from vivavoce.client import Backoff
from vivavoce.client.errors import VivavoceError
from vivavoce.client.session import Session
from vivavoce.protocol.request import MessagesConfig

PROGRAM = Path(__file__).parent.parent / "faults" / "scripted_server.py"
HASTY = Backoff(base=0.05, cap=0.2, attempts=1000)
FRAME = 3200
EVERY_MESSAGE = dict.fromkeys((name for name in MessagesConfig.__struct_fields__), True)
SETTINGS = {
    "VIVAVOCE_CALLBACK_NETWORKS": "127.0.0.0/8",
    "VIVAVOCE_CALLBACK_PORTS": "",
    "VIVAVOCE_CALLBACK_DELAYS": "0.1,0.2,0.4",
    "VIVAVOCE_MAX_SESSIONS": "1000",
    "VIVAVOCE_WORKERS": "1",
}
"""Retries within moments, so that a test need not wait for days."""

UNSTORED = ("audio_chunk", "stop_recording")
"""Messages that are called back and stand in no result."""


def serving(data: Path, models: Path, settings: Mapping[str, str] | None = None) -> ServerProcess:
    """A server with the scripted engine whose callbacks may reach this machine."""
    chosen = SETTINGS | {"VIVAVOCE_MODELS": str(models)} | dict(settings or {})
    return ServerProcess(data, chosen, program=(str(PROGRAM),))


@dataclass(slots=True)
class Told:
    """A session that is called back, from its caller's side."""

    api: Api
    receiver: ReceiverProcess
    path: str
    audio: bytes
    id: str = ""
    url: str = ""
    heard: list[Json] = field(default_factory=list)

    async def create(self, **flags: bool) -> None:
        """Make it; its callbacks carry every message unless told otherwise."""
        wanted = {"url": self.receiver.url + self.path, **(EVERY_MESSAGE | flags)}
        made = await self.api.create(
            callback=True, callback_config=wanted, messages_config=EVERY_MESSAGE
        )
        self.id, self.url = made.id, made.url

    async def talk(self, pause: float = 0.0) -> None:
        """Say everything, coming back after every break, and listen to the end."""
        messages = MessagesConfig(**EVERY_MESSAGE)
        session = Session(self.url, session_id=self.id, messages=messages, backoff=HASTY)
        async with session:
            speaking = asyncio.create_task(self._say(session, pause), name=f"say {self.path}")
            # Whoever comes back after the end is sent away: it has been told everything before.
            with contextlib.suppress(VivavoceError):
                async for message in session:
                    self.heard.append(json.loads(msgspec.json.encode(message)))
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)

    async def _say(self, session: Session, pause: float) -> None:
        for piece in pieces(self.audio, FRAME):
            await session.send_audio(piece)
            await asyncio.sleep(pause)
        await session.stop()

    def arrived(self) -> list[Received]:
        """What the receiver has taken for this session, each message once."""
        return self.receiver.accepted(self.path)

    def payloads(self) -> list[Json]:
        """The messages that have arrived, in the order of their arrival."""
        return [json.loads(one.body)["payload"] for one in self.arrived()]

    @property
    def over(self) -> bool:
        """Whether the last message has arrived."""
        return any(payload["type"] == "end_session" for payload in self.payloads())

    async def until_over(self, seconds: float = 60) -> None:
        """Wait for the last message."""
        async with asyncio.timeout(seconds):
            while not self.over:  # noqa: ASYNC110  a process apart
                await asyncio.sleep(0.05)

    async def prove(self) -> None:
        """Everything arrived, once by id, in order, and as it is stored."""
        job = await self.api.done(self.id)
        arrived = self.arrived()
        bodies = [json.loads(one.body) for one in arrived]
        assert {body["id"] for body in bodies} == {self.id}
        payloads = [body["payload"] for body in bodies]
        kept = [one for one in payloads if one["type"] not in UNSTORED and not partial(one)]
        stored = [json.loads(text) for text in job["result"]["messages"]]
        assert [one["type"] for one in kept[:1]] == ["start_session"]
        assert kept[1:] == stored, "what arrived is not what is stored, in its order"
        self._prove_acks(payloads)
        prove_tries(self.receiver.received(self.path))

    def _prove_acks(self, payloads: Sequence[Json]) -> None:
        """Every stored byte was acknowledged to the endpoint too."""
        reached = 0
        for one in payloads:
            if one["type"] == "audio_chunk" and one["acknowledged"]:
                start, end = one["data"]["byte_range"]
                assert start <= reached, f"no ack tells of [{reached}, {start})"
                reached = max(reached, end)
        assert reached == len(self.audio)


def prove_tries(tries: Sequence[Received]) -> None:
    """The tries of one session: the same body under one id, and no message before its turn."""
    bodies: dict[str, str] = {}
    taken: list[str] = []
    for one in tries:
        name = one.headers["webhook-id"]
        assert bodies.setdefault(name, one.body) == one.body, "a try changed the body"
        if one.did.status // 100 == 2 and one.did.do in {"answer", "slow"} and name not in taken:
            taken.append(name)
    order = list(bodies)
    assert taken == [name for name in order if name in taken], "a message overtook another"


def partial(message: Json) -> bool:
    """Whether a message is a transcript that may still change."""
    return message["type"] == "transcript" and not message["data"]["is_final"]
