"""The WebSocket protocol of the server: asyncio's callbacks over sans-I/O parts.

The `websockets` library implements the opening handshake, the closing handshake and the failing of
a connection. Data frames, pings and pongs are read here: a chunk of audio costs a few calls, and a
flood of frames slows down only its sender. Decision 19 has the measurements.
"""

import asyncio
import os
from collections.abc import Iterable
from enum import Enum, auto
from http import HTTPStatus
from typing import Any, cast

import structlog
import uvicorn
from uvicorn.server import ServerState
from websockets.exceptions import ProtocolError
from websockets.frames import Close
from websockets.server import ServerProtocol

from vivavoce.protocol.close_codes import CloseCode
from vivavoce.server.websocket.asgi import AsgiBridge, ClientDisconnectedError
from vivavoce.server.websocket.endpoint import ConnectionSlot, Endpoint
from vivavoce.server.websocket.frame_intake import (
    FRAMES_AT_ONCE,
    FRAMES_PER_SECOND,
    FrameIntake,
)
from vivavoce.server.websocket.frames import (
    INVALID_DATA,
    MESSAGE_TOO_BIG,
    PROTOCOL_ERROR,
    FrameError,
    Opcode,
    binary_message,
    client_close_frame,
    ping_frame,
    pong_frame,
    text_frame,
)
from vivavoce.server.websocket.handshake import (
    Accepted,
    Handshake,
    HeaderPairs,
    Refused,
    add_headers,
    address_of,
    denial,
    plain_refusal,
    scope_of,
)
from vivavoce.server.websocket.keepalive import Action, Keepalive
from vivavoce.server.websocket.liveness import Liveness
from vivavoce.server.websocket.message_reader import Frame, MessageReader, TextFilter
from vivavoce.server.websocket.peer import EXTENSION, LONG_TEXT, LONG_TEXT_BYTES, PeerHandle
from vivavoce.server.websocket.token_bucket import TokenBucket

HANDSHAKE_SECONDS = 10.0
"""Time for a handshake from its first byte to its answer, the handshake queue included."""

REFUSAL_SECONDS = 5.0
"""Time for a client to read the refusal of its handshake before the connection is aborted."""

CLOSE_SECONDS = 10.0
"""Time for a peer to read buffered data and answer a close before the connection is aborted."""

QUIET_SECONDS = 0.5
"""Silence of a client that was refused within a message after which its connection is closed."""

_INTERNAL_ERROR = 1011
_RESTART = 1012
_TRY_LATER = 1013
_ABNORMAL = 1006
_WITHIN_A_MESSAGE = frozenset({MESSAGE_TOO_BIG, _TRY_LATER})
"""Close codes that refuse a message whose bytes are still arriving."""

_log = structlog.get_logger(__name__)


class _Phase(Enum):
    HEAD = auto()  # the head of the handshake arrives
    ANSWERING = auto()  # the application decides; bytes are buffered, not parsed
    OPEN = auto()
    CLOSING = auto()  # our close frame is sent; only the peer's answer matters
    DISCARDING = auto()  # all input is discarded
    LOST = auto()


class WebSocketProtocol(asyncio.Protocol):
    """One connection, from the head of its handshake to its end.

    Aborts the connection of a peer that answers neither ping nor close, and drops its unread data.

    Args:
        config: the server's configuration, with its limits of size and time.
        server_state: the registry of connections and tasks for a graceful shutdown.
        app_state: the application's state.
        endpoint: the state shared with other connections.

    Attributes:
        connection_slot: set by ``HttpProtocol`` at the upgrade; released at the end.
    """

    connection_slot: ConnectionSlot | None = None

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        endpoint: Endpoint | None = None,
    ) -> None:
        if not config.loaded:
            config.load()
        self._config = config
        self._server_state = server_state
        self._app_state = app_state
        self._endpoint = endpoint or Endpoint()
        self._loop = asyncio.get_running_loop()
        self._now = self._loop.time
        self._phase = _Phase.HEAD
        self._server = ServerProtocol(max_size=config.ws_max_size)
        self._handshake = Handshake(self._server)
        self._accepted: Accepted | None = None
        self._reader = MessageReader(config.ws_max_size, self._text_filter)
        self._bucket = TokenBucket(FRAMES_PER_SECOND, FRAMES_AT_ONCE, self._now())
        self._liveness: Liveness | None = None
        self._heard_at = self._now()
        self._writable = True
        self._owed_pong: bytes | None = None
        self._timer: asyncio.TimerHandle | None = None  # of the handshake, then of the keepalive
        self._cut: asyncio.TimerHandle | None = None

    # -- asyncio's callbacks -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the handshake: a peer has connected."""
        transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._transport = transport
        self._server_state.connections.add(self)  # type: ignore[arg-type]  # names its own classes
        self._bridge = AsgiBridge(self)
        confirmed: asyncio.Future[bool] = self._loop.create_future()
        self._peer = PeerHandle(confirmed, self._ping, self._tell, self._receiving)
        self._intake = FrameIntake(
            transport,
            self._reader,
            self._bucket,
            busy=self._application_is_busy,
            on_frame=self._handle,
            on_error=self._broken,
        )
        self._timer = self._loop.call_later(HANDSHAKE_SECONDS, self._handshake_late)

    def data_received(self, data: bytes) -> None:
        """Handle received bytes; a whole binary message takes a fast path if it is next."""
        phase = self._phase
        if phase is _Phase.OPEN:
            now = self._now()
            if self._writable:  # input does not prove that the peer still reads
                self._heard_at = now
            peer = self._peer
            if (
                self._reader.idle
                and peer.take is not None
                and not self._bridge.events
                and (audio := binary_message(data, self._reader.max_size)) is not None
                and self._bucket.take(now)
            ):
                if not peer.take(audio):
                    self._bridge.put({"type": "websocket.receive", "bytes": audio})
                return
            self._intake.receive(data, now)
            self._account(now)
        elif phase is _Phase.CLOSING:
            self._intake.receive(data, self._now())
        elif phase is _Phase.HEAD:
            self._read_head(data)
        elif phase is _Phase.ANSWERING:
            self._intake.hold(data)
        elif phase is _Phase.DISCARDING:
            self._heard_at = self._now()

    def pause_writing(self) -> None:
        """Pause sending: the write buffer is full."""
        self._writable = False
        self._bridge.writable.clear()

    def resume_writing(self) -> None:
        """Resume sending: the peer has read enough."""
        self._writable = True
        self._heard_at = self._now()
        self._bridge.writable.set()
        if self._owed_pong is not None:
            self._pong(self._owed_pong)
            self._owed_pong = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Free the connection's memory at once, without waiting for the garbage collector."""
        del exc
        answering = self._phase is _Phase.ANSWERING
        self._phase = _Phase.LOST
        self._server_state.connections.discard(self)
        for timer in (self._timer, self._cut):
            if timer is not None:
                timer.cancel()
        self._timer = self._cut = None
        self._intake.close()
        self._endpoint.partials.drop(self)
        self._peer.detach()
        self._bridge.disconnect(_ABNORMAL)
        self._bridge.detach()
        if answering:
            self._bridge.cancel()  # its handshake is queued, or it looks up a session
        if self.connection_slot is not None:
            self.connection_slot.release()
            self.connection_slot = None

    def shutdown(self) -> None:
        """Close the connection: the server shuts down."""
        if self._phase in {_Phase.HEAD, _Phase.ANSWERING}:
            self._refuse(plain_refusal(HTTPStatus.SERVICE_UNAVAILABLE))
            self._bridge.cancel()
            return
        if self._phase is _Phase.OPEN:
            self._bridge.disconnect(_RESTART)
            self._server.send_close(_RESTART, CloseCode.RESTART.reason)
            self._flush()
        self._end_now()

    # -- the handshake -------------------------------------------------------------------------

    def _read_head(self, data: bytes) -> None:
        outcome = self._handshake.receive(data)
        if isinstance(outcome, Refused):
            self._refuse(outcome)
        elif outcome is not None:
            self._phase = _Phase.ANSWERING
            self._accepted = outcome
            if outcome.rest:
                self._intake.hold(outcome.rest)
            task = self._bridge.start(self._config.loaded_app, self._scope(outcome))
            self._server_state.tasks.add(task)
            task.add_done_callback(self._server_state.tasks.discard)

    def _scope(self, accepted: Accepted) -> dict[str, Any]:
        config, transport = self._config, self._transport
        return scope_of(accepted.request, config.root_path) | {
            "asgi": {"version": config.asgi_version, "spec_version": "2.4"},
            "scheme": "wss" if transport.get_extra_info("sslcontext") else "ws",
            "server": address_of(transport.get_extra_info("sockname")),
            "client": address_of(transport.get_extra_info("peername")),
            "state": self._app_state.copy(),
            "extensions": {"websocket.http.response": {}, EXTENSION: self._peer},
        }

    def accept(self, headers: HeaderPairs, subprotocol: str | None) -> None:
        """Answer the handshake with 101, then read the bytes received after it."""
        if self._phase is not _Phase.ANSWERING or self._accepted is None:
            raise ClientDisconnectedError
        response = self._accepted.response
        self._accepted = None
        add_headers(response, [*self._server_state.default_headers, *headers], subprotocol)
        self._server.send_response(response)
        self._flush()
        self._phase = _Phase.OPEN
        now = self._heard_at = self._now()
        self._stop_timer()
        self._watch(now)
        self._intake.run(now)

    def deny(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        """Answer the handshake with a status other than 101."""
        if self._phase is _Phase.ANSWERING:
            self._refuse(Refused(status, denial(status, headers, body).serialize()))

    def _handshake_late(self) -> None:
        self._timer = None
        late = self._phase is _Phase.HEAD
        status = HTTPStatus.REQUEST_TIMEOUT if late else HTTPStatus.SERVICE_UNAVAILABLE
        self._refuse(plain_refusal(status))
        self._bridge.cancel()

    def _refuse(self, refused: Refused) -> None:
        self._transport.write(refused.answer)
        client = address_of(self._transport.get_extra_info("peername"))
        self._endpoint.refusals.note(self._now(), refused.status, client)
        self._bridge.disconnect(_ABNORMAL)
        self._end_now(REFUSAL_SECONDS)

    # -- frames --------------------------------------------------------------------------------

    def _application_is_busy(self) -> bool:
        return bool(self._bridge.events) and self._phase is _Phase.OPEN

    def resume(self) -> None:
        """Continue reading: the application has received the queued message.

        Before the handshake is answered, the bytes received after it stay buffered.
        """
        if self._phase is not _Phase.ANSWERING:
            self._intake.resume()

    def _handle(self, frame: Frame) -> None:
        opcode, payload = frame.opcode, frame.payload
        if opcode is Opcode.PING:
            self._answer_ping(bytes(payload))
        elif opcode is Opcode.PONG:
            if not self._peer.answered(bytes(payload)) and self._liveness is not None:
                self._liveness.pong(bytes(payload))
        elif opcode is Opcode.CLOSE:
            self._handle_close(bytes(payload))
        elif self._phase is _Phase.CLOSING or opcode is Opcode.CONTINUATION:
            return
        elif opcode is Opcode.BINARY:
            audio, take = bytes(payload), self._peer.take
            if take is None or self._bridge.events or not take(audio):
                self._bridge.put({"type": "websocket.receive", "bytes": audio})
        else:
            self._handle_text(payload)

    def _handle_text(self, payload: bytes | bytearray) -> None:
        long = isinstance(payload, bytearray) and len(payload) > LONG_TEXT_BYTES
        if long and self._peer.new_text_filter is not None:
            self._bridge.put({"type": "websocket.receive", LONG_TEXT: payload})
            return
        try:
            text = payload.decode()
        except UnicodeDecodeError as error:
            _log.debug("invalid_utf8_received", position=error.start)
            self._fail(INVALID_DATA, f"{error.reason} at position {error.start}")
        else:
            self._bridge.put({"type": "websocket.receive", "text": text})

    def _text_filter(self) -> TextFilter | None:
        make = self._peer.new_text_filter
        return None if make is None else make()

    def _receiving(self) -> bool:
        return self._reader.fragmented

    def _answer_ping(self, payload: bytes) -> None:
        if self._writable:
            self._pong(payload)
        else:
            self._owed_pong = payload  # one pong answers all earlier pings (RFC 6455 §5.5.3)

    def _pong(self, payload: bytes) -> None:
        if self._phase in {_Phase.OPEN, _Phase.CLOSING} and not self._transport.is_closing():
            self._transport.write(pong_frame(payload))

    def _ping(self, payload: bytes) -> None:
        if self._phase is _Phase.OPEN and not self._transport.is_closing():
            self._transport.write(ping_frame(payload))

    def _account(self, now: float) -> None:
        """Record the buffered bytes; close the slowest connection if the total is too large."""
        victim = self._endpoint.partials.update(self, self._reader.held, now)
        if victim is not None:
            _log.info("incomplete_message_dropped", held=self._endpoint.partials.total)
            victim.give_up("too many incomplete messages")

    def give_up(self, reason: str) -> None:
        """Close the connection of a client that occupies too much memory; it may reconnect."""
        if self._phase is _Phase.OPEN:
            self._fail(_TRY_LATER, reason)

    # -- out -----------------------------------------------------------------------------------

    def send_text(self, text: bytes) -> None:
        """Send a text message."""
        self._write_frame(text_frame(text))

    def send_binary(self, data: bytes) -> None:
        """Send a binary message."""
        if self._phase is not _Phase.OPEN:
            raise ClientDisconnectedError
        self._server.send_binary(data)
        self._flush()

    def _write_frame(self, frame: bytes) -> None:
        if self._phase is not _Phase.OPEN:
            raise ClientDisconnectedError
        self._transport.write(frame)

    def _tell(self, text: bytes) -> bool:
        if not self._writable or self._phase is not _Phase.OPEN or self._transport.is_closing():
            return False
        self._transport.write(text_frame(text))
        return True

    def _flush(self) -> None:
        """Write the library's output; its marker for the end of the stream is empty."""
        if data := b"".join(self._server.data_to_send()):
            self._transport.write(data)

    # -- the end -------------------------------------------------------------------------------

    def close(self, code: int, reason: str) -> None:
        """Send the application's close frame, and wait for the peer's."""
        if self._phase is not _Phase.OPEN:
            return
        self._cut_later(CLOSE_SECONDS)
        self._server.send_close(code, reason)
        self._flush()
        self._phase = _Phase.CLOSING
        self._stop_timer()
        self._reader.discard_messages()
        self._endpoint.partials.drop(self)
        self._bridge.disconnect(code, reason)
        self._intake.resume()

    def _handle_close(self, payload: bytes) -> None:
        try:
            close = Close.parse(payload)
        except ProtocolError as error:
            self._fail(PROTOCOL_ERROR, str(error))
        except UnicodeDecodeError as error:
            self._fail(INVALID_DATA, f"{error.reason} at position {error.start}")
        else:
            if self._reader.fragmented:
                self._fail(PROTOCOL_ERROR, "incomplete fragmented message")
                return
            self._server.receive_data(client_close_frame(payload))
            self._flush()
            if self._phase is _Phase.CLOSING:
                self._peer.resolve(confirmed=True)
            else:
                self._bridge.disconnect(close.code, close.reason)
            self._end_now()

    def _broken(self, error: FrameError) -> None:
        self._fail(error.code, str(error))

    def _fail(self, code: int, reason: str) -> None:
        """Fail the connection (RFC 6455 §7.1.7): send a close frame, and discard further input.

        Closing the socket while bytes arrive would reset the connection and lose the close frame.
        """
        if self._phase is _Phase.OPEN:
            # The client has sent no close frame, so the application sees a lost connection.
            self._bridge.disconnect(_ABNORMAL if code == _TRY_LATER else code, reason)
        self._server.fail(code, reason)
        self._flush()
        if self._transport.is_closing():
            return
        self._discard()
        self._cut_later(CLOSE_SECONDS)
        self._intake.read_on()
        if code in _WITHIN_A_MESSAGE:
            self._heard_at = self._now()
            self._close_when_quiet()
        elif self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def _close_when_quiet(self) -> None:
        """Close once the refused message has arrived, or its client has stopped sending.

        Ending the stream earlier causes write errors in clients that are still sending.
        """
        self._timer = None
        now = self._now()
        if now - self._heard_at >= QUIET_SECONDS:
            self._transport.close()
        else:
            self._timer = self._loop.call_at(self._heard_at + QUIET_SECONDS, self._close_when_quiet)

    def _end_now(self, seconds: float = CLOSE_SECONDS) -> None:
        """Close once the peer has read the buffered data; abort after ``seconds``."""
        self._discard()
        self._cut_later(seconds)
        self._transport.close()

    def _discard(self) -> None:
        self._phase = _Phase.DISCARDING
        self._stop_timer()
        self._intake.close()
        self._endpoint.partials.drop(self)

    def application_ended(self, *, failed: bool) -> None:
        """Close if the application has returned or raised without closing."""
        if self._phase is _Phase.ANSWERING:
            self._refuse(plain_refusal(HTTPStatus.INTERNAL_SERVER_ERROR))
        elif self._phase is _Phase.OPEN:
            self._fail(_INTERNAL_ERROR if failed else 1000, "")

    def _cut_later(self, seconds: float) -> None:
        if self._cut is None:
            self._cut = self._loop.call_later(seconds, self._transport.abort)

    # -- signs of life -------------------------------------------------------------------------

    def _watch(self, now: float) -> None:
        config = self._config
        if config.ws_ping_interval:
            timeout = config.ws_ping_timeout or float("inf")
            self._liveness = Liveness(
                Keepalive(config.ws_ping_interval, timeout, now), self._reader
            )
            self._timer = self._loop.call_at(self._liveness.due, self._tick)

    def _tick(self) -> None:
        self._timer = None
        liveness, now = self._liveness, self._now()
        if self._phase is not _Phase.OPEN or liveness is None:
            return
        action = liveness.poll(
            now, self._heard_at, reading=self._intake.reading, writable=self._writable
        )
        if action is Action.CLOSE:
            _log.info("slow_message_closed")
            self.give_up("the message arrives too slowly")
        elif action is Action.ABORT:
            self._bridge.disconnect(_ABNORMAL, "keepalive ping timeout")
            self._server.fail(_INTERNAL_ERROR, "keepalive ping timeout")
            self._flush()
            self._discard()
            self._transport.abort()
        else:
            if action is Action.PING:
                self._ping(liveness.ping(os.urandom(4), now))
            self._timer = self._loop.call_at(liveness.due, self._tick)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
