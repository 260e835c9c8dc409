"""The HTTP side of a connection: asyncio, the clocks and the counters around the pure parts.

uvicorn constructs it and ends it; docs/decisions/0018-server-protocols.md says what of uvicorn is
used, and a test pins it.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from vivavoce.protocol.errors import ApiError
from vivavoce.server.http.bounds import (
    MAX_BUFFERED_BODY_BYTES,
    MAX_DISCARDED_BYTES_PER_SECOND,
    RequestBounds,
    RequestFault,
)
from vivavoce.server.http.clocks import Phase, RequestClock
from vivavoce.server.http.connections import Connections, ConnectionSlot, Refusal
from vivavoce.server.http.exchange import Exchange
from vivavoce.server.http.refusals import RETRY_SECONDS, refusal_response
from vivavoce.server.http.request_head import RequestHead, parse_head
from vivavoce.server.http.request_reader import Data, Event, Head, RequestReader
from vivavoce.server.http.sending import Sender
from vivavoce.server.http.turns import RequestTurns

_REST_SECONDS = 0.05
"""How long a connection is not read after its share of input to discard."""

_EVENTS_A_TURN = 200
"""Pieces of a request handled before others get their turn: a body may come in tiny chunks."""

Address = tuple[str, int] | None


@dataclass(frozen=True, slots=True)
class HttpContext:
    """What all connections of a server share.

    Attributes:
        bounds: the bounds of each.
        connections: the open ones.
        report: called with the reason of each refused request.
        turns: in which requests begin.
    """

    bounds: RequestBounds
    connections: Connections
    report: Callable[[str], None]
    turns: RequestTurns = field(default_factory=RequestTurns)


class HttpProtocol(asyncio.Protocol):
    """One connection until it closes, or becomes a WebSocket."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        context: HttpContext,
    ) -> None:
        self._config = config
        self._server = server_state
        self._app_state = app_state
        self._loop = _loop or asyncio.get_running_loop()
        self._context = context
        self._reader = RequestReader(context.bounds)
        self._slot: ConnectionSlot | None = None
        self._exchange: Exchange | None = None
        self._ending = False  # the server shuts down
        self._timer: asyncio.TimerHandle | None = None
        self._due: float | None = None
        self._reading = True
        self._unfinished = False  # what has arrived is not handled to its end
        self._discarded = 0
        self._begins = False  # a request is about to begin, in its turn
        self._waits = False  # until then nothing more is read

    # asyncio

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # of TCP
        """A client has connected."""
        self._transport = transport
        seconds = self._context.bounds.reader_seconds
        stalled = partial(self._context.report, "slow_reader")
        self._sender = Sender(transport, seconds, self._loop, stalled)
        self._client = _address(transport, "peername")
        self._clock = RequestClock(self._context.bounds, self._loop.time())
        slot = self._context.connections.open(self._client[0] if self._client else "", self._cut)
        if isinstance(slot, Refusal):
            error = ApiError(503, "too many connections are open", retry_after=RETRY_SECONDS)
            transport.write(refusal_response(error, self.default_headers()))
            transport.close()
            return
        self._slot = slot
        self._server.connections.add(self)  # type: ignore[arg-type]  # it wants uvicorn's own
        self._set_timer()

    def data_received(self, data: bytes) -> None:
        """Bytes have arrived."""
        if self._transport.is_closing():
            return
        if self._clock.phase is Phase.LINGER:
            self._discard(len(data))
            return
        self._reader.receive(data)
        if self._exchange is not None:
            self._advance()
        elif not self._begins:
            self._begins = True
            self._context.turns.add(self._begin_in_turn)
        else:
            self._waits = True
            self._set_reading()

    def eof_received(self) -> None:
        """The client sends no more: the transport closes."""

    def pause_writing(self) -> None:
        """The client takes less than it is sent."""
        self._sender.writable.clear()

    def resume_writing(self) -> None:
        """The client has taken enough."""
        self._sender.writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed."""
        del exc
        self._server.connections.discard(self)
        self._stop_timers()
        if self._slot is not None:
            self._slot.release()
        if self._exchange is not None:
            self._exchange.disconnect()
            self._exchange = None
        self._reader.take_rest()

    def shutdown(self) -> None:
        """Close after the response that is under way; uvicorn calls this when the server ends."""
        self._ending = True
        if self._exchange is None:
            self._transport.close()

    # requests

    def _begin_in_turn(self) -> None:
        """Look for a request in what has arrived since; the slot shows whether it is still ours."""
        self._begins = self._waits = False
        if self._slot is not None and not self._transport.is_closing():
            self._advance()

    def _advance(self) -> None:
        """Handle what has arrived, as far as it goes."""
        self._unfinished = True
        try:
            for _ in range(_EVENTS_A_TURN):
                if (event := self._reader.next_event()) is None:
                    self._unfinished = False
                    break
                self._handle(event)
        except RequestFault as fault:
            self._unfinished = False
            self._refuse(fault)
        if self._slot is None or self._transport.is_closing():  # a WebSocket by now, or over
            return
        if self._reader.begun:
            self._clock.head_begun(self._loop.time())
        if self._unfinished:
            self._loop.call_soon(self._continue)
        self._set_reading()
        self._set_timer()

    def _continue(self) -> None:
        """Take the next turn at what has arrived."""
        if self._unfinished and not self._transport.is_closing():
            self._advance()

    def _handle(self, event: Event) -> None:
        if isinstance(event, Head):
            head = parse_head(event.raw)
            if head.is_handshake:
                head.check_handshake()
                self._upgrade(head)
            else:
                self._begin(head)
        elif self._exchange is None:
            return
        elif isinstance(event, Data):
            self._exchange.add_body(event.body)
        else:
            self._clock.request_read()
            self._exchange.end_body()

    def _begin(self, head: RequestHead) -> None:
        if self._slot is not None:
            self._slot.busy()
        self._clock.head_read(self._loop.time())
        self._reader.expect_body(head.length)
        exchange = self._exchange = Exchange(self, head)
        task = self._loop.create_task(exchange.run(self._config.loaded_app, self._scope(head)))
        self._server.tasks.add(task)
        task.add_done_callback(self._server.tasks.discard)

    def _scope(self, head: RequestHead) -> dict[str, Any]:
        root = self._config.root_path
        return {
            "type": "http",
            "asgi": {"version": self._config.asgi_version, "spec_version": "2.4"},
            "http_version": head.version,
            "server": _address(self._transport, "sockname"),
            "client": self._client,
            "scheme": "https" if self._transport.get_extra_info("sslcontext") else "http",
            "method": head.method,
            "root_path": root,
            "path": root + head.path,
            "raw_path": root.encode("ascii") + head.raw_path,
            "query_string": head.query,
            "headers": head.headers,
            "state": self._app_state.copy(),
        }

    def _upgrade(self, head: RequestHead) -> None:
        """Hand the connection, its slot and what has arrived behind the head to the WebSocket."""
        self._stop_timers()
        if not self._reading:  # the WebSocket pauses and resumes by itself from here on
            self._transport.resume_reading()
        self._server.connections.discard(self)
        slot, self._slot = self._slot, None
        if slot is not None:
            slot.busy()
        websocket: Any = self._config.ws_protocol_class(  # type: ignore[misc, call-arg]  # as uvicorn
            config=self._config, server_state=self._server, app_state=self._app_state
        )
        websocket.connection_slot = slot
        websocket.connection_made(self._transport)
        self._transport.set_protocol(websocket)
        websocket.data_received(head.to_bytes())
        rest = self._reader.take_rest()
        if rest and not self._transport.is_closing():
            websocket.data_received(rest)

    def _refuse(self, fault: RequestFault) -> None:
        """Answer a request that breaks its bounds, and close."""
        self._context.report(fault.reason)
        exchange = self._exchange
        if exchange is not None:
            if exchange.response.started:
                self._transport.abort()
                return
            exchange.disconnect()
        answer = refusal_response(ApiError(fault.status, fault.message), self.default_headers())
        self.write(answer)
        self._linger()

    def _linger(self) -> None:
        """Close once the client has had time to read what was sent."""
        self._exchange = None
        self._unfinished = False
        self._reader.take_rest()
        if self._slot is not None:
            self._slot.idle()
        self._clock.linger(self._loop.time())
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._set_reading()
        self._set_timer()

    def _discard(self, size: int) -> None:
        """Drop input, and after a share of it rest: discarding must not occupy the server."""
        self._discarded += size
        if self._discarded >= MAX_DISCARDED_BYTES_PER_SECOND * _REST_SECONDS:
            self._discarded = 0
            self._transport.pause_reading()
            self._loop.call_later(_REST_SECONDS, self._discard_more)

    def _discard_more(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()

    # for the exchange

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self._sender.write(data)

    async def drain(self) -> None:
        """Wait until the client has taken enough of what was sent."""
        await self._sender.drain()

    def body_taken(self) -> None:
        """The application has taken the body so far."""
        if not self._transport.is_closing():
            self._set_reading()

    def may_keep_alive(self) -> bool:
        """Whether another request may follow: not behind a body that was not read."""
        return self._reader.whole and not self._ending

    def default_headers(self) -> Iterable[tuple[bytes, bytes]]:
        """Headers of every response: the date."""
        return self._server.default_headers

    def response_complete(self) -> None:
        """The response was sent: go on with the next request, or close."""
        exchange, self._exchange = self._exchange, None
        self._server.total_requests += 1
        if exchange is None or self._transport.is_closing():
            return
        if not self._reader.whole:
            self._linger()
        elif not exchange.response.keeps_alive or self._ending:
            self._transport.close()
        else:
            self._reader.next_request()
            self._clock.answered(self._loop.time())
            if self._slot is not None:
                self._slot.idle()
            self._advance()

    def abort(self) -> None:
        """End the connection at once."""
        self._transport.abort()

    # flow and time

    def _set_reading(self) -> None:
        """Read while there is room for what arrives."""
        exchange = self._exchange
        wanted = not self._waits and (
            exchange is None
            or (
                exchange.buffered <= MAX_BUFFERED_BODY_BYTES
                and not self._reader.has_surplus
                and not self._unfinished
            )
        )
        if wanted != self._reading:
            self._reading = wanted
            if wanted:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    def _set_timer(self) -> None:
        due = self._clock.deadline
        if due == self._due:
            return
        self._due = due
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if due is None else self._loop.call_at(due, self._expire)

    def _expire(self) -> None:
        """The time of a phase is over."""
        self._timer = self._due = None
        if self._transport.is_closing():
            return
        if self._clock.phase in {Phase.IDLE, Phase.LINGER}:
            self._transport.close()
        elif self._clock.phase is Phase.HEAD and not self._reader.begun:
            self._transport.abort()
        else:
            self._refuse(RequestFault(408, "too_slow", "the request took too long to arrive"))

    def _cut(self) -> None:
        """Give way to another connection."""
        self._transport.abort()

    def _stop_timers(self) -> None:
        self._sender.stop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def http_protocol(context: HttpContext) -> Callable[..., HttpProtocol]:
    """What uvicorn calls to construct the protocol of each connection."""
    return partial(HttpProtocol, context=context)


def _address(transport: asyncio.Transport, name: str) -> Address:
    address = transport.get_extra_info(name)
    return (str(address[0]), int(address[1])) if isinstance(address, tuple) else None
