"""The HTTP protocol of a connection: asyncio, clocks and counters around the pure parts.

uvicorn constructs it and shuts it down; docs/decisions/0018-server-protocols.md lists the parts of
uvicorn that are used, and a test pins them.
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
"""Pause of reading, in seconds, after a connection's share of discarded input."""

_EVENTS_A_TURN = 200
"""Events handled in one iteration of the event loop: a body may arrive in tiny chunks."""

Address = tuple[str, int] | None


@dataclass(frozen=True, slots=True)
class HttpContext:
    """State that all connections of a server share.

    Attributes:
        bounds: the bounds of each connection.
        connections: the open connections.
        report: called with the reason of each refused request.
        turns: limits the requests begun per iteration of the event loop.
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
        self._unfinished = False  # received bytes are not handled completely
        self._discarded = 0
        self._begins = False  # the start of a request is queued in `turns`
        self._waits = False  # reading pauses until then

    # asyncio

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # of TCP
        """Reserve a slot for the connection, or refuse it: a client has connected."""
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
        """Handle received bytes."""
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
        """Let the transport close: the client has ended its stream."""

    def pause_writing(self) -> None:
        """Pause sending: the write buffer is full."""
        self._sender.writable.clear()

    def resume_writing(self) -> None:
        """Resume sending: the client has read enough."""
        self._sender.writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Release the slot, the timers and the exchange of a closed connection."""
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
        """Close after the current response; uvicorn calls this when the server shuts down."""
        self._ending = True
        if self._exchange is None:
            self._transport.close()

    # requests

    def _begin_in_turn(self) -> None:
        """Begin the queued request, unless the connection was upgraded or closed meanwhile."""
        self._begins = self._waits = False
        if self._slot is not None and not self._transport.is_closing():
            self._advance()

    def _advance(self) -> None:
        """Handle the received bytes, up to ``_EVENTS_A_TURN`` events."""
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
        if self._slot is None or self._transport.is_closing():  # upgraded or closed
            return
        if self._reader.begun:
            self._clock.head_begun(self._loop.time())
        if self._unfinished:
            self._loop.call_soon(self._continue)
        self._set_reading()
        self._set_timer()

    def _continue(self) -> None:
        """Continue with the received bytes in the next iteration of the event loop."""
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
        """Pass the connection, its slot and the bytes after the head to the WebSocket protocol."""
        self._stop_timers()
        if not self._reading:  # from here on the WebSocket protocol pauses and resumes
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
        """Answer a request that violates a bound or HTTP, and close."""
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
        """Close once the client has had time to read the response."""
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
        """Discard input at a bounded rate, so that it does not occupy the server."""
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
        """Wait until the write buffer has room."""
        await self._sender.drain()

    def body_taken(self) -> None:
        """Continue reading: the application has received the body so far."""
        if not self._transport.is_closing():
            self._set_reading()

    def may_keep_alive(self) -> bool:
        """Return whether another request may follow: not after an incomplete request."""
        return self._reader.whole and not self._ending

    def default_headers(self) -> Iterable[tuple[bytes, bytes]]:
        """Return uvicorn's headers of every response, such as the date."""
        return self._server.default_headers

    def response_complete(self) -> None:
        """Continue with the next request, or close: the response was sent."""
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
        """Abort the connection."""
        self._transport.abort()

    # flow and time

    def _set_reading(self) -> None:
        """Read while the buffers have room."""
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
        """End the connection or the request: the deadline of its phase has passed."""
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
        """Abort, to give way to another connection."""
        self._transport.abort()

    def _stop_timers(self) -> None:
        self._sender.stop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def http_protocol(context: HttpContext) -> Callable[..., HttpProtocol]:
    """Return the factory by which uvicorn constructs the protocol of each connection."""
    return partial(HttpProtocol, context=context)


def _address(transport: asyncio.Transport, name: str) -> Address:
    address = transport.get_extra_info(name)
    return (str(address[0]), int(address[1])) if isinstance(address, tuple) else None
