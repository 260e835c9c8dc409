"""Open connections over a transport that is none: floods, ends, memory, order."""

import asyncio
import gc
import weakref
from typing import Any

import pytest
import structlog
from websockets.frames import Opcode

from vivavoce.server.websocket.endpoint import Endpoint
from vivavoce.server.websocket.frame_intake import (
    FRAMES_AT_ONCE,
    FRAMES_PER_SECOND,
    FRAMES_PER_TURN,
    READ_BYTES,
)
from vivavoce.server.websocket.partial_messages import PartialMessages
from vivavoce.server.websocket.peer import LONG_TEXT
from vivavoce.server.websocket.protocol import CLOSE_SECONDS
from websocket_world import MOST, Client, Told, frame, run, settled

FLOODS = {
    "pings": frame(Opcode.PING),
    "pings with a payload": frame(Opcode.PING, bytes(100)),
    "pongs": frame(Opcode.PONG),
    "texts": frame(Opcode.TEXT, b"{}"),
    "binary": frame(Opcode.BINARY),
}


class Counted:
    """Counts frames as they are handled, and how many in a turn of the loop."""

    def __init__(self, client: Client) -> None:
        self.frames = 0
        self.most = 0
        self._turn = 0
        reader = client.protocol._reader  # noqa: SLF001  the one place that all frames pass
        plain = reader.next

        def counted() -> Any:
            found = plain()
            if found is not None:
                self.frames += 1
                if not self._turn:
                    asyncio.get_running_loop().call_soon(self._end_of_turn)
                self._turn += 1
            return found

        reader.next = counted  # type: ignore[method-assign]

    def _end_of_turn(self) -> None:
        self.most, self._turn = max(self.most, self._turn), 0


async def flood(client: Client, data: bytes, seconds: float) -> None:
    """Send as fast as the server reads."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        if client.transport.reading and not client.transport.closing:
            client.send(data)
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("kind", FLOODS)
@pytest.mark.parametrize("closing", [False, True])
def test_frames_of_every_kind_are_read_no_faster_than_the_rate(kind: str, *, closing: bool) -> None:
    async def story() -> None:
        told = Told(take=True)
        client = Client(told)
        await client.open()
        if closing:
            await told.send({"type": "websocket.close", "code": 4400})
        counted = Counted(client)
        await flood(client, FLOODS[kind] * 40_000, 5)
        assert counted.frames > FRAMES_AT_ONCE
        assert counted.frames <= FRAMES_AT_ONCE + 5 * FRAMES_PER_SECOND + FRAMES_PER_TURN
        assert counted.most <= FRAMES_PER_TURN
        assert not client.transport.reading

    run(story())


def test_fragments_are_read_no_faster_than_the_rate() -> None:
    async def story() -> None:
        client = Client(Told())
        await client.open()
        client.send(frame(Opcode.TEXT, fin=False))
        counted = Counted(client)
        await flood(client, frame(Opcode.CONT, fin=False) * 40_000, 5)
        assert FRAMES_AT_ONCE < counted.frames <= FRAMES_AT_ONCE + 5 * FRAMES_PER_SECOND + 64
        assert client.protocol._reader.held < 40_000 * 6 + 1  # noqa: SLF001  only what is unread

    run(story())


def test_after_a_long_piece_the_other_connections_are_read_first() -> None:
    async def story() -> None:
        told = Told()
        client = Client(told)
        await client.open()
        message = frame(Opcode.BINARY, bytes(3 * READ_BYTES))
        for at in range(0, len(message), READ_BYTES):
            assert client.transport.reading
            client.send(message[at : at + READ_BYTES])
            assert client.transport.reading == (len(message) - at < READ_BYTES)
            await asyncio.sleep(0)
        await settled()
        assert told.messages == [bytes(3 * READ_BYTES)]

    run(story())


def test_what_follows_in_a_text_that_its_filter_refused_takes_no_memory() -> None:
    limit = 1 << 20

    async def story() -> None:
        told = Told()
        client = Client(told)
        await client.open()
        told.peer.new_text_filter = lambda: lambda text, _new: len(text) <= limit
        text = b"x" * (8 * limit) + b"\xff"
        message = frame(Opcode.TEXT, text[:-2], fin=False) + frame(Opcode.CONT, text[-2:])
        most = 0
        for at in range(0, len(message), READ_BYTES):
            client.send(message[at : at + READ_BYTES])
            most = max(most, client.protocol._reader.held)  # noqa: SLF001  memory matters
            await settled(2)
        assert most <= limit + READ_BYTES
        client.send(frame(Opcode.TEXT, b"the next one"))
        await settled()
        first, second = told.events
        assert text.startswith(first[LONG_TEXT])
        assert limit < len(first[LONG_TEXT]) <= limit + READ_BYTES
        assert second["text"] == "the next one"
        assert client.close_code is None

    run(story())


def test_a_flood_ends_and_the_connection_goes_on() -> None:
    async def story() -> None:
        told = Told()
        client = Client(told)
        await client.open()
        client.send(frame(Opcode.PING) * 6000)
        assert not client.transport.reading
        await asyncio.sleep(3)
        assert client.transport.reading
        assert len(client.of(Opcode.PONG)) == 6000
        client.send(frame(Opcode.TEXT, b"on"))
        await settled()
        assert told.messages == ["on"]

    run(story())


def test_pongs_wait_while_the_peer_reads_nothing_and_the_last_one_answers() -> None:
    async def story() -> None:
        client = Client(Told())
        await client.open()
        client.protocol.pause_writing()
        before = len(client.transport.written)
        client.send(*(frame(Opcode.PING, b"%d" % number) for number in range(500)))
        assert len(client.transport.written) == before
        client.protocol.resume_writing()
        assert client.of(Opcode.PONG) == [b"499"]

    run(story())


BAD_HEADS = {
    "not masked": (frame(Opcode.BINARY, size=1 << 20, masked=False)[:2], 1002),
    "a reserved bit": (frame(Opcode.BINARY, size=1 << 20, reserved=4)[:10], 1002),
    "a reserved opcode": (frame(3, size=1 << 20)[:2], 1002),
    "a long ping": (frame(Opcode.PING, size=126)[:4], 1002),
    "a ping in fragments": (frame(Opcode.PING, size=3, fin=False)[:2], 1002),
    "a continuation of nothing": (frame(Opcode.CONT, size=1 << 20)[:10], 1002),
    "a long message": (frame(Opcode.BINARY, size=MOST + 1)[:10], 1009),
    "the longest of all": (frame(Opcode.TEXT, size=(1 << 64) - 1)[:10], 1009),
}


@pytest.mark.parametrize(("head", "code"), BAD_HEADS.values(), ids=BAD_HEADS)
@pytest.mark.parametrize("cut", [False, True])
def test_a_wrong_frame_is_refused_by_its_first_bytes(head: bytes, code: int, *, cut: bool) -> None:
    async def story() -> None:
        told = Told()
        client = Client(told)
        await client.open()
        client.send(*([bytes([byte]) for byte in head] if cut else [head]))
        assert client.close_code == code
        await settled()
        assert told.disconnected == code

    run(story())


def test_fragments_that_add_up_to_too_much_are_refused_by_the_head_of_the_last() -> None:
    async def story() -> None:
        client = Client(Told())
        await client.open()
        client.send(frame(Opcode.BINARY, bytes(MOST - 10), fin=False))
        await settled()
        client.send(frame(Opcode.CONT, size=11)[:2])
        assert client.close_code == 1009
        assert client.protocol._reader.held == 0  # noqa: SLF001  freed at once

    run(story())


def test_a_connection_that_failed_is_half_closed_reads_on_for_nothing_and_is_cut() -> None:
    async def story() -> None:
        client = Client(Told())
        await client.open()
        client.send(BAD_HEADS["a reserved opcode"][0])
        assert client.transport.half_closed
        assert not client.transport.closing
        client.send(*[bytes(1 << 20)] * 100)
        assert client.protocol._reader.held == 0  # noqa: SLF001  the memory is what matters
        await asyncio.sleep(CLOSE_SECONDS + 0.1)
        assert client.transport.aborted

    run(story())


def test_a_message_that_is_refused_may_arrive_before_its_connection_is_closed() -> None:
    """A reset would take the close frame with it, and an early end breaks clients that write."""

    async def story() -> None:
        client = Client(Told())
        await client.open()
        client.send(BAD_HEADS["a long message"][0])
        for _ in range(20):
            client.send(bytes(1 << 20))
            await asyncio.sleep(0.3)
        assert not client.transport.half_closed
        assert not client.transport.closing
        await asyncio.sleep(0.3)
        assert client.transport.closing
        assert not client.transport.aborted

    run(story())


def test_a_text_that_is_no_utf8_is_one_short_line_at_debug() -> None:
    async def story() -> None:
        told = Told()
        client = Client(told)
        await client.open()
        with structlog.testing.capture_logs() as lines:
            client.send(frame(Opcode.TEXT, b"\xff\xfe" * 1000))
            await settled()
        assert client.close_code == 1007
        assert told.disconnected == 1007
        assert lines == [{"event": "invalid_utf8_received", "position": 0, "log_level": "debug"}]

    run(story())


# -- the end -----------------------------------------------------------------------------------


def test_after_our_close_messages_are_dropped_and_the_answer_is_heard() -> None:
    async def story() -> None:
        told = Told(take=True)
        client = Client(told)
        await client.open()
        await told.send({"type": "websocket.close", "code": 1000})
        client.send(frame(Opcode.BINARY, bytes(MOST))[:-1])
        assert client.protocol._reader.held == 0  # noqa: SLF001  the memory is what matters
        await settled()
        client.send(b"\0", frame(Opcode.TEXT, b"\xff"), frame(Opcode.PING, b"?"))
        assert not told.peer.confirmed.done()
        client.send(frame(Opcode.CLOSE, b"\x03\xe8"))
        assert told.peer.confirmed.result() is True
        assert client.transport.closing
        assert client.of(Opcode.CLOSE) == [b"\x03\xe8"]
        assert told.taken == []

    run(story())


def test_a_close_that_is_not_answered_is_cut_off_and_not_confirmed() -> None:
    async def story() -> None:
        told = Told()
        client = Client(told)
        await client.open()
        client.protocol.pause_writing()  # nor can it be waited for
        await told.send({"type": "websocket.close", "code": 1000})
        await asyncio.sleep(CLOSE_SECONDS - 0.1)
        assert not client.transport.aborted
        await asyncio.sleep(0.2)
        assert client.transport.aborted
        await settled()
        assert told.peer.confirmed.result() is False

    run(story())


def test_a_close_of_the_peer_is_answered_and_the_application_hears_of_it() -> None:
    async def story() -> None:
        told = Told()
        client = Client(told)
        await client.open()
        client.send(frame(Opcode.TEXT, b"last") + frame(Opcode.CLOSE, b"\x0f\xa0bye"))
        await settled()
        assert told.messages == ["last"]
        assert told.events[-1] == {"type": "websocket.disconnect", "code": 4000, "reason": "bye"}
        assert client.of(Opcode.CLOSE) == [b"\x0f\xa0bye"]
        assert client.transport.closing

    run(story())


@pytest.mark.parametrize(
    ("payload", "code"),
    [(b"\x03", 1002), (b"\x03\xed", 1002), (b"\x03\xe8\xff", 1007), (b"\x00\x00", 1002)],
)
def test_a_close_that_is_none_is_refused(payload: bytes, code: int) -> None:
    async def story() -> None:
        client = Client(Told())
        await client.open()
        client.send(frame(Opcode.CLOSE, payload))
        assert client.close_code == code

    run(story())


def test_a_close_within_a_message_is_refused() -> None:
    async def story() -> None:
        client = Client(Told())
        await client.open()
        client.send(frame(Opcode.TEXT, b"a", fin=False), frame(Opcode.CLOSE, b"\x03\xe8"))
        assert client.close_code == 1002

    run(story())


def test_a_server_that_ends_says_so() -> None:
    async def story() -> None:
        told = Told()
        client = Client(told)
        await client.open()
        client.protocol.shutdown()
        await settled()
        assert (client.close_code, client.close_reason) == (1012, "restart")
        assert told.disconnected == 1012
        assert client.transport.closing

    run(story())


@pytest.mark.parametrize("failing", [False, True])
def test_an_application_that_returns_or_fails_closes_its_connection(*, failing: bool) -> None:
    async def returning(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await asyncio.sleep(1)
        if failing:
            raise LookupError

    async def story() -> None:
        client = Client(returning)
        await client.open()
        await asyncio.sleep(2)
        assert client.close_code == (1011 if failing else 1000)

    run(story())


def test_what_is_sent_to_a_peer_that_is_gone_is_an_error_of_the_system() -> None:
    async def story() -> None:
        told = Told()
        client = Client(told)
        await client.open()
        client.transport.lose()
        with pytest.raises(OSError, match="gone"):
            await told.send({"type": "websocket.send", "text": "late"})
        assert told.peer.tell(b"late") is False

    run(story())


# -- memory ------------------------------------------------------------------------------------


def test_a_connection_that_drops_is_freed_without_a_garbage_collection() -> None:
    async def drop() -> "weakref.ref[Any]":
        told = Told(take=True)
        client = Client(told)
        await client.open()
        told.peer.ask(lambda: None)
        client.send(frame(Opcode.BINARY, bytes(1 << 20))[:-1])
        await asyncio.sleep(25)  # a ping is open
        client.transport.lose()
        await told.ended.wait()
        await settled()
        return weakref.ref(client.protocol)

    async def story() -> None:
        gc.collect()
        gc.disable()
        try:
            gone = await drop()
            assert gone() is None, gc.get_referrers(gone())
        finally:
            gc.enable()

    run(story())


def test_incomplete_messages_are_bounded_over_all_connections() -> None:
    async def story() -> None:
        endpoint = Endpoint(partials=PartialMessages(limit=40 << 20))
        clients = [Client(Told(), endpoint) for _ in range(3)]
        part = frame(Opcode.BINARY, bytes(20 << 20))[:-1]
        for client in clients:
            await client.open()
        for client in clients[:2]:
            client.send(part[:-100])
        await asyncio.sleep(10)  # they stall
        brisk = clients[2]
        for at in range(0, len(part), 1 << 20):
            brisk.send(part[at : at + (1 << 20)])
        assert [client.close_code for client in clients].count(1013) == 1
        assert brisk.close_code is None
        assert endpoint.partials.total <= 40 << 20
        brisk.transport.lose()
        clients[0].transport.lose()
        clients[1].transport.lose()
        assert endpoint.partials.total == 0

    run(story())


# -- order, and flow ----------------------------------------------------------------------------


def test_audio_does_not_pass_a_text_that_waits() -> None:
    async def story() -> None:
        told = Told(take=True, reads=False)
        client = Client(told)
        await client.open()
        client.send(frame(Opcode.BINARY, b"first"))
        client.send(frame(Opcode.TEXT, b"second"), frame(Opcode.BINARY, b"third"))
        assert told.taken == [b"first"]
        told.reading.set()
        await settled()
        assert told.messages == [b"first", "second", b"third"]
        assert told.taken == [b"first", b"third"]

    run(story())


def test_an_application_that_takes_nothing_is_sent_no_more_than_a_message() -> None:
    async def story() -> None:
        told = Told(reads=False)
        client = Client(told)
        await client.open()
        sent = 0
        while client.transport.reading:
            client.send(frame(Opcode.TEXT, b"x" * 1000) * 10)
            sent += 10
        assert sent <= 20
        told.reading.set()
        await settled(200)
        assert len(told.messages) == sent
        assert client.transport.reading

    run(story())


def test_a_question_is_answered_by_its_own_pong() -> None:
    async def story() -> None:
        told = Told()
        client = Client(told)
        await client.open()
        answered = []
        told.peer.ask(lambda: answered.append(True))
        asked = client.of(Opcode.PING)[0]
        client.send(frame(Opcode.PONG, b"other"), frame(Opcode.PONG))
        assert not answered
        client.send(frame(Opcode.PONG, asked))
        assert answered
        assert not told.peer.asked

    run(story())


def test_two_may_ask_at_once_and_the_later_pong_answers_both() -> None:
    async def story() -> None:
        told = Told()
        client = Client(told)
        await client.open()
        answered: list[str] = []
        told.peer.ask(lambda: answered.append("first"))
        told.peer.ask(lambda: answered.append("second"))
        told.peer.ask(lambda: answered.append("third"))
        first, second, third = client.of(Opcode.PING)
        client.send(frame(Opcode.PONG, second))
        assert answered == ["first", "second"]
        client.send(frame(Opcode.PONG, first), frame(Opcode.PONG, second))
        assert answered == ["first", "second"]
        client.send(frame(Opcode.PONG, third))
        assert answered == ["first", "second", "third"]

    run(story())


def test_an_answer_may_ask_again() -> None:
    async def story() -> None:
        told = Told()
        client = Client(told)
        await client.open()
        answered: list[int] = []

        def again() -> None:
            answered.append(len(answered))
            if len(answered) < 3:
                told.peer.ask(again)

        told.peer.ask(again)
        for number in range(3):
            client.send(frame(Opcode.PONG, client.of(Opcode.PING)[number]))
        assert answered == [0, 1, 2]
        assert not told.peer.asked

    run(story())


def test_it_is_known_whether_a_message_in_parts_is_arriving() -> None:
    async def story() -> None:
        told = Told()
        client = Client(told)
        await client.open()
        client.send(frame(Opcode.BINARY, b"a", fin=False))
        assert told.peer.receiving()
        client.send(frame(Opcode.CONT, b"b"))
        assert not told.peer.receiving()

    run(story())


def test_a_text_is_told_at_once_or_not_at_all() -> None:
    async def story() -> None:
        told = Told()
        client = Client(told)
        await client.open()
        assert told.peer.tell(b"now")
        client.protocol.pause_writing()
        assert not told.peer.tell(b"never")
        assert client.of(Opcode.TEXT) == [b"now"]

    run(story())


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536, 200_000])
def test_messages_go_out_whole(size: int) -> None:
    async def story() -> None:
        told = Told()
        client = Client(told)
        await client.open()
        await told.send({"type": "websocket.send", "text": "t" * size})
        await told.send({"type": "websocket.send", "bytes": b"b" * size})
        assert client.of(Opcode.TEXT) == [b"t" * size]
        assert client.of(Opcode.BINARY) == [b"b" * size]

    run(story())
