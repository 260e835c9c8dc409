"""Pings that prove what a client has read; the client answers when the test says so."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

import virtual_time
from vivavoce.server.coarse_timers import CoarseTimers
from vivavoce.server.read_receipts import ReadReceipts
from vivavoce.server.websocket.peer import PeerHandle
from vivavoce.session.ack_confirmation import SETTLE_SECONDS, AckConfirmation
from vivavoce.session.telling import Telling

FLOOD = 50


class Client:
    """A peer whose pongs come at once, or never."""

    def __init__(self, *, answers: bool = True) -> None:
        self.pings: list[float] = []
        self._answers = answers
        loop = asyncio.get_running_loop()
        self.peer = PeerHandle(
            loop.create_future(), self._pinged, lambda _: True, receiving=lambda: False
        )

    def _pinged(self, payload: bytes) -> None:
        loop = asyncio.get_running_loop()
        self.pings.append(loop.time())
        if self._answers:
            loop.call_soon(self.peer.answered, payload)


def live() -> Any:
    return SimpleNamespace(telling=Telling(), acks=AckConfirmation())


def test_acks_are_asked_about_once_a_second_until_they_are_confirmed() -> None:
    async def main() -> None:
        client, session = Client(), live()
        receipts = ReadReceipts(client.peer, session, CoarseTimers())
        for number in range(1, FLOOD + 1):
            receipts.ack_sent(number)
        await asyncio.sleep(10 * SETTLE_SECONDS)
        assert session.acks.confirmed == FLOOD
        assert len(client.pings) == 2
        receipts.close()

    virtual_time.run(main())


def test_while_acks_leave_a_ping_goes_with_one_of_them_every_two_seconds() -> None:
    async def main() -> None:
        client, session = Client(), live()
        receipts = ReadReceipts(client.peer, session, CoarseTimers())
        acked: list[float] = []
        for number in range(1, 101):
            receipts.ack_sent(number)
            acked.append(asyncio.get_running_loop().time())
            await asyncio.sleep(0.1)
        while_streaming = len(client.pings)
        assert while_streaming in {4, 5}
        assert set(client.pings) <= set(acked)
        assert session.acks.confirmed > 100 - 5 / 0.1
        await asyncio.sleep(2.5 * SETTLE_SECONDS)
        assert session.acks.confirmed == 100
        assert len(client.pings) == while_streaming + 2
        receipts.close()

    virtual_time.run(main())


def test_a_message_is_asked_about_at_once_and_a_flood_of_them_one_by_one() -> None:
    async def main() -> None:
        client, session = Client(), live()
        receipts = ReadReceipts(client.peer, session, CoarseTimers())
        for number in range(1, FLOOD + 1):
            session.telling.sent(number)
            receipts.message_sent()
        await asyncio.sleep(0.01)
        assert session.telling.delivered == FLOOD
        assert len(client.pings) == 2  # the second one covers all that came meanwhile

    virtual_time.run(main())


@pytest.mark.parametrize("answers", [False, True])
def test_a_connection_that_has_ended_is_asked_nothing(*, answers: bool) -> None:
    async def main() -> None:
        client, session = Client(answers=answers), live()
        receipts = ReadReceipts(client.peer, session, CoarseTimers())
        receipts.ack_sent(1)
        receipts.close()
        receipts.ack_sent(2)
        await asyncio.sleep(10 * SETTLE_SECONDS)
        assert not client.pings
        assert session.acks.confirmed == 0

    virtual_time.run(main())
