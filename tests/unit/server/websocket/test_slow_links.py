"""Signs of life, in time that passes at once."""

import asyncio

import pytest
from websockets.frames import Opcode

from vivavoce.server.websocket.keepalive import UNANSWERED_SECONDS
from websocket_world import Client, Told, frame, run, settled

RESEND = frame(Opcode.TEXT, b"x" * (26 << 20))


async def arrive(client: Client, data: bytes, rate: int, seconds: float = 3600) -> float:
    """Bytes arrive at a rate; returns after how many seconds it ended."""
    loop = asyncio.get_running_loop()
    begun, step = loop.time(), rate
    for at in range(0, len(data), step):
        if client.transport.closing or client.close_code or loop.time() - begun > seconds:
            break
        client.send(data[at : at + step])
        await asyncio.sleep(1)
    await settled()
    return loop.time() - begun


@pytest.mark.parametrize("rate", [500 << 10, 100 << 10, 40 << 10])
def test_a_long_message_gets_through_a_slow_link(rate: int) -> None:
    async def story() -> None:
        told = Told()
        client = Client(told)
        await client.open()
        took = await arrive(client, RESEND, rate)
        assert took > 40  # a pong's time, and more
        assert [len(each) for each in told.messages] == [26 << 20]
        assert not client.transport.closing

    run(story())


@pytest.mark.parametrize("rate", [1, 100, 3 << 10])
def test_a_message_that_only_trickles_is_closed(rate: int) -> None:
    async def story() -> None:
        told = Told()
        client = Client(told)
        await client.open()
        took = await arrive(client, RESEND, rate)
        assert took < 150
        assert client.close_code == 1013
        assert told.disconnected == 1006, "it may have missed its last messages"

    run(story())


def test_a_trickle_of_fragments_is_closed_as_well() -> None:
    async def story() -> None:
        client = Client(Told())
        await client.open()
        client.send(frame(Opcode.TEXT, b"begin", fin=False))
        piece = frame(Opcode.CONT, b"y", fin=False) + frame(Opcode.PING)
        assert await arrive(client, piece * 1000, len(piece)) < 150
        assert client.close_code == 1013

    run(story())


def test_a_peer_that_is_gone_is_found_by_its_silence() -> None:
    async def story() -> None:
        told = Told()
        client = Client(told)
        await client.open()
        client.send(frame(Opcode.BINARY, b"half")[:-1])
        await asyncio.sleep(39)
        assert not client.transport.aborted
        await asyncio.sleep(2)
        assert client.transport.aborted
        await settled()
        assert told.disconnected == 1006, "it may have missed its last messages"

    run(story())


def test_a_peer_that_answers_pings_stays() -> None:
    async def story() -> None:
        client = Client(Told())
        await client.open()
        for _ in range(100):
            await asyncio.sleep(10)
            for ping in client.of(Opcode.PING)[-1:]:
                client.send(frame(Opcode.PONG, ping))
        assert not client.transport.closing
        assert 45 <= len(client.of(Opcode.PING)) <= 50

    run(story())


def test_a_peer_that_sends_and_never_reads_is_found_all_the_same() -> None:
    async def story() -> None:
        client = Client(Told())
        await client.open()
        client.protocol.pause_writing()
        for _ in range(41):
            client.send(frame(Opcode.BINARY, b"audio"))
            await asyncio.sleep(1)
        assert client.transport.aborted

    run(story())


def test_a_peer_that_sends_and_never_answers_is_given_up_in_the_end() -> None:
    async def story() -> None:
        client = Client(Told())
        await client.open()
        waited = 0
        while not client.transport.aborted:
            client.send(frame(Opcode.BINARY, b"audio"))
            await asyncio.sleep(1)
            waited += 1
        assert UNANSWERED_SECONDS <= waited <= UNANSWERED_SECONDS + 25

    run(story())


def test_silence_means_nothing_while_the_server_does_not_read() -> None:
    async def story() -> None:
        told = Told(reads=False)
        client = Client(told)
        await client.open()
        while client.transport.reading:
            client.send(frame(Opcode.TEXT, b"waits"))
        await asyncio.sleep(300)
        assert not client.transport.aborted
        told.reading.set()
        await asyncio.sleep(41)
        assert client.transport.aborted

    run(story())
