"""Live sessions that go on in real time while somebody else attacks the server.

A process of its own, so that the attacker's work in the tests does not look like the server's.
``python -m abuse.bystander URL KEY SESSIONS`` says ``ready`` once every session is acknowledged,
goes on until its standard input ends, stops the sessions and prints what it saw as one JSON object.
"""

import asyncio
import json
import random
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

CHUNK_SECONDS = 0.1
CHUNK_BYTES = 3200
HEADER = 44
"""Bytes of a recording's header."""

PATIENCE = 20.0
"""Seconds that acknowledgements and the close are waited for at the end."""

FORMAT = {"encoding": "wav/pcm", "bit_depth": 16, "sample_rate": 16000, "channels": 1}


@dataclass
class Session:
    """One live session.

    Attributes:
        sent: seconds of the monotonic clock at which each chunk was sent.
        acknowledged: the same for its acknowledgement.
        whole: whether its recording is what was sent; None where it could not be asked for.
        failure: why it broke, if it did.
    """

    audio: random.Random
    sent: list[float] = field(default_factory=list)
    acknowledged: list[float] = field(default_factory=list)
    whole: bool | None = None
    failure: str = ""
    stored: bytearray = field(default_factory=bytearray)

    async def run(
        self, http: httpx.AsyncClient, ready: asyncio.Barrier, end: asyncio.Event
    ) -> None:
        """Speak until the end, and see that everything was kept."""
        made = (await http.post("/v2/live", json=FORMAT)).raise_for_status().json()
        try:
            async with connect(made["url"], compression=None, max_size=None) as socket:
                listening = asyncio.create_task(self._listen(socket))
                await self._speak(socket)
                while not self.acknowledged:  # noqa: ASYNC110  a message decides it
                    await asyncio.sleep(0.01)
                await ready.wait()
                while not end.is_set():
                    await self._speak(socket)
                await self._finish(socket, listening)
        except (WebSocketException, OSError, TimeoutError) as error:
            self.failure = f"{type(error).__name__}: {error}"
        try:
            self.whole = await self._kept(http, made["id"])
        except (httpx.HTTPError, TimeoutError) as error:
            self.failure = self.failure or f"no recording: {type(error).__name__}: {error}"

    async def _speak(self, socket: ClientConnection) -> None:
        chunk = self.audio.randbytes(CHUNK_BYTES)
        self.stored += chunk
        self.sent.append(time.monotonic())
        await socket.send(chunk)
        begun = self.sent[0] + len(self.sent) * CHUNK_SECONDS
        await asyncio.sleep(max(begun - time.monotonic(), 0))

    async def _listen(self, socket: ClientConnection) -> None:
        async for text in socket:
            now = time.monotonic()
            message = json.loads(text)
            if message["type"] == "audio_chunk" and message["acknowledged"]:
                end = message["data"]["byte_range"][1]
                self.acknowledged += [now] * (end // CHUNK_BYTES - len(self.acknowledged))

    async def _finish(self, socket: ClientConnection, listening: asyncio.Task[None]) -> None:
        await socket.send(json.dumps({"type": "stop_recording"}))
        async with asyncio.timeout(PATIENCE):
            await listening

    async def _kept(self, http: httpx.AsyncClient, session: str) -> bool | None:
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = await http.get(f"/v2/live/{session}/file")
                if answer.status_code == 200:
                    kept = answer.content[HEADER:]
                    if kept != bytes(self.stored):
                        self.failure = f"{len(kept)} bytes kept of {len(self.stored)}"
                    return kept == bytes(self.stored)
                await asyncio.sleep(0.2)

    def seen(self) -> dict[str, Any]:
        """What is reported."""
        return {
            "sent": self.sent,
            "acknowledged": self.acknowledged,
            "whole": self.whole,
            "failure": self.failure,
        }


async def main(url: str, key: str, count: int) -> None:
    """Run the sessions."""
    end, ready = asyncio.Event(), asyncio.Barrier(count + 1)
    sessions = [Session(random.Random(number)) for number in range(count)]
    async with httpx.AsyncClient(
        base_url=url, headers={"x-gladia-key": key}, timeout=PATIENCE
    ) as http:
        tasks = [asyncio.create_task(one.run(http, ready, end)) for one in sessions]
        await ready.wait()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
        end.set()
        await asyncio.gather(*tasks)
    json.dump([one.seen() for one in sessions], sys.stdout)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
