"""The opening handshake over a transport that is none."""

import asyncio
from typing import Any

import pytest
from websockets.frames import Opcode

from vivavoce.server.websocket.endpoint import Endpoint
from vivavoce.server.websocket.frame_intake import EARLY_BYTES
from vivavoce.server.websocket.protocol import HANDSHAKE_SECONDS
from vivavoce.server.websocket.refusal_log import RefusalLog
from websocket_world import Client, Told, frame, request, run, settled

REFUSED = {
    "request line over 8 KiB": (request("/" + "a" * 8200), 414),
    "header line over 8 KiB": (request(more=[("a", "b" * 8200)]), 431),
    "over 128 headers": (request(more=[(f"a{n}", "b") for n in range(130)]), 431),
    "transfer encoding": (request(Transfer_Encoding="chunked"), 400),
    "content length": (request(Content_Length="5"), 400),
    "no key": (request(Sec_WebSocket_Key=None), 400),
    "short key": (request(Sec_WebSocket_Key="c2hvcnQ="), 400),
    "key that is no base64": (request(Sec_WebSocket_Key="*" * 24), 400),
    "two keys": (request(more=[("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]), 400),
    "no version": (request(Sec_WebSocket_Version=None), 400),
    "another version": (request(Sec_WebSocket_Version="8"), 400),
    "no upgrade": (request(Upgrade=None), 426),
    "another upgrade": (request(Upgrade="h2c"), 426),
    "connection that says nothing": (request(Connection="keep-alive"), 426),
    "another method": (request().replace(b"GET", b"POST", 1), 405),
    "an old protocol": (request().replace(b"HTTP/1.1", b"HTTP/1.0", 1), 505),
    "no protocol": (b"GET /\r\n\r\n", 400),
    "a name that is none": (request(more=[("a b", "c")]), 400),
    "a value that is none": (request(more=[("a", "\x00")]), 400),
    "a line that is none": (b"GET / HTTP/1.1\r\nnothing\r\n\r\n", 400),
    "a path beyond ASCII": (b"GET /\xff HTTP/1.1\r\n\r\n", 400),
    "bare line feeds": (request().replace(b"\r\n", b"\n") + b"\r\n\r\n", 400),
}


@pytest.mark.parametrize(("head", "status"), REFUSED.values(), ids=REFUSED)
def test_a_handshake_that_is_refused_is_answered_and_closed_at_once(
    head: bytes, status: int
) -> None:
    async def story() -> None:
        told = Told()
        client = Client(told)
        client.send(head)
        await settled()
        assert client.status == status
        assert b"onnection: close" in client.answer
        assert client.transport.closing
        assert not client.state.connections
        assert not told.scope, "the application never saw it"

    run(story())


@pytest.mark.parametrize("head", [request(), request(more=[("a", "b" * 8200)])])
@pytest.mark.parametrize("step", [1, 2, 3, 7, 100])
def test_a_handshake_may_come_in_pieces(head: bytes, step: int) -> None:
    async def story() -> None:
        client = Client(Told())
        client.send(*(head[at : at + step] for at in range(0, len(head), step)))
        await settled()
        assert client.status == (101 if len(head) < 8000 else 431)

    run(story())


@pytest.mark.parametrize("cut", range(30))
def test_bytes_behind_the_handshake_in_its_own_segment_are_frames(cut: int) -> None:
    async def story() -> None:
        told = Told()
        client = Client(told)
        data = request() + frame(Opcode.TEXT, b"early") + frame(Opcode.PING, b"?")
        at = len(request()) + cut - 10
        client.send(data[:at], data[at:])
        await settled()
        assert told.messages == ["early"]
        assert client.of(Opcode.PONG) == [b"?"]

    run(story())


class Slow(Told):
    """Answers the handshake when it is allowed to."""

    def __init__(self) -> None:
        super().__init__()
        self.allowed = asyncio.Event()
        self.cancelled = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await self.allowed.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        await super().__call__(scope, receive, send)


@pytest.mark.parametrize(
    ("early", "written"),
    [
        (frame(Opcode.PING, b"?"), b"\x8a\x01?"),
        (frame(Opcode.CLOSE, b"\x03\xe8"), b"\x88\x02\x03\xe8"),
        (b"\xff" * 100, b"\x88"),
    ],
    ids=["ping", "close", "garbage"],
)
def test_nothing_is_parsed_before_the_answer_has_left(early: bytes, written: bytes) -> None:
    async def story() -> None:
        slow = Slow()
        client = Client(slow)
        client.send(request(), early)
        await settled()
        assert not client.answer
        slow.allowed.set()
        await settled()
        assert client.status == 101
        assert client.answer.split(b"\r\n\r\n", 1)[1].startswith(written)

    run(story())


def test_what_comes_before_the_answer_is_bounded_and_not_lost() -> None:
    async def story() -> None:
        slow = Slow()
        client = Client(slow)
        client.send(request())
        sent = 0
        while client.transport.reading:
            client.send(frame(Opcode.BINARY, bytes(1000)))
            sent += 1
        assert sent * 1000 <= EARLY_BYTES + 1000
        slow.allowed.set()
        await settled(500)
        assert len(slow.messages) == sent
        assert client.transport.reading

    run(story())


def test_an_application_that_does_not_answer_is_given_up() -> None:
    async def story() -> None:
        slow = Slow()
        client = Client(slow)
        client.send(request())
        await asyncio.sleep(HANDSHAKE_SECONDS - 0.1)
        assert not client.answer
        await asyncio.sleep(0.2)
        assert client.status == 503
        assert client.transport.closing
        assert slow.cancelled

    run(story())


def test_a_head_that_does_not_end_is_given_up() -> None:
    async def story() -> None:
        client = Client(Told())
        for byte in request()[:-1]:
            client.send(bytes([byte]))
            await asyncio.sleep(0.1)
        assert client.status == 408
        assert client.transport.closing

    run(story())


def test_an_application_does_not_wait_for_a_client_that_has_gone() -> None:
    async def story() -> None:
        slow = Slow()
        client = Client(slow)
        client.send(request())
        await settled()
        client.transport.lose()
        await settled()
        assert slow.cancelled
        assert not client.state.tasks
        assert not client.state.connections

    run(story())


@pytest.mark.parametrize("written", [False, True])
def test_a_refused_handshake_is_aborted_if_its_answer_is_not_read(*, written: bool) -> None:
    async def story() -> None:
        client = Client(Told())
        if not written:  # the transport cannot get rid of the answer
            client.transport.close = lambda: None  # type: ignore[method-assign]
        client.send(REFUSED["no key"][0])
        await asyncio.sleep(5.1)
        assert client.transport.aborted is not written

    run(story())


def test_an_application_may_deny_with_an_answer_of_its_own() -> None:
    async def denying(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        headers = [(b"retry-after", b"3"), (b"content-type", b"application/json")]
        await send({"type": "websocket.http.response.start", "status": 503, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b"{", "more_body": True})
        await send({"type": "websocket.http.response.body", "body": b"}"})

    async def story() -> None:
        client = Client(denying)
        client.send(request())
        await settled()
        assert client.status == 503
        assert b"retry-after: 3\r\n" in client.answer
        assert b"Content-Length: 2\r\n" in client.answer
        assert client.answer.endswith(b"\r\n\r\n{}")
        assert client.transport.closing

    run(story())


def test_a_close_in_the_place_of_an_answer_is_a_403() -> None:
    async def closing(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.close"})

    async def story() -> None:
        client = Client(closing)
        client.send(request())
        await settled()
        assert client.status == 403

    run(story())


def test_an_application_that_fails_before_it_answers_is_a_500() -> None:
    async def failing(_scope: Any, _receive: Any, _send: Any) -> None:
        raise LookupError

    async def story() -> None:
        client = Client(failing)
        client.send(request())
        await settled()
        assert client.status == 500
        assert client.transport.closing

    run(story())


def test_the_scope_says_what_was_asked() -> None:
    async def story() -> None:
        told = Told()
        client = Client(told)
        client.send(request("/v2/li%76e?token=a%20b", more=[("X-One", "é")]))
        await settled()
        scope = told.scope
        assert (scope["type"], scope["scheme"], scope["http_version"]) == ("websocket", "ws", "1.1")
        assert scope["path"] == "/v2/live"
        assert scope["raw_path"] == b"/v2/li%76e"
        assert scope["query_string"] == b"token=a%20b"
        assert scope["client"] == ("10.0.0.1", 50000)
        assert (b"X-One", "é".encode()) in scope["headers"]

    run(story())


def test_many_refusals_are_few_lines() -> None:
    async def story() -> None:
        lines: list[dict[str, Any]] = []
        endpoint = Endpoint(refusals=RefusalLog(lambda _event, **values: lines.append(values)))
        for _ in range(1000):
            Client(Told(), endpoint).send(request(Sec_WebSocket_Key=None))
        assert lines == [{"status": 400, "client": "10.0.0.1", "not_logged_before": 0}]
        await asyncio.sleep(60)
        Client(Told(), endpoint).send(request(Sec_WebSocket_Key=None))
        assert lines[1]["not_logged_before"] == 999

    run(story())


@pytest.mark.parametrize("head", [request(), request(Sec_WebSocket_Key=None)])
def test_the_slot_of_a_connection_is_released_at_its_end(head: bytes) -> None:
    class Slot:
        released = 0

        def release(self) -> None:
            self.released += 1

    async def story() -> None:
        slot = Slot()
        client = Client(Told())
        client.protocol.connection_slot = slot
        client.send(head)
        await settled()
        client.transport.lose()
        assert slot.released == 1

    run(story())
