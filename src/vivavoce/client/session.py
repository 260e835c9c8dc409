"""One live session over WebSockets: sends audio, returns messages, reconnects after a drop."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)

from vivavoce.client.connection import (
    ABNORMAL_CLOSURE,
    DEFAULT_BUFFER_BYTES,
    Connection,
    Frame,
    State,
)
from vivavoce.client.errors import ProtocolError, SessionClosedError, SessionStateError
from vivavoce.client.incoming import Message, UnknownMessage
from vivavoce.client.outcome import Backoff, Ended, Reconnect
from vivavoce.protocol.close_codes import CloseCode
from vivavoce.protocol.messages import passes
from vivavoce.protocol.request import MessagesConfig

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
MAX_WAITING_MESSAGES = 65_536
OPEN_TIMEOUT = 10.0

LEFT = Ended(CloseCode.FINISHED, "the session was left")

logger = logging.getLogger(__name__)


class Session:
    """A live session; use it as a context manager and iterate over its messages.

    Iteration ends when the session has finished, and raises ``SessionClosedError`` if it could
    not finish. Leaving the block earlier closes the socket with 1000, which the server treats as
    a stop: it still produces the result, which can be fetched.

    Messages are queued in memory until iterated over; beyond ``MAX_WAITING_MESSAGES`` the socket
    is no longer read, so ``send_audio`` blocks, too.

    Args:
        url: the WebSocket address from the response to the creation. It is a secret: anyone who
            knows it can connect.
        session_id: the session's id, for ``Client.get`` and similar calls.
        messages: which messages iteration returns; acknowledgements are processed in any case.
        backoff: delays between connection attempts.
        buffer_bytes: limit on unacknowledged audio.
    """

    def __init__(
        self,
        url: str,
        *,
        session_id: str = "",
        messages: MessagesConfig | None = None,
        backoff: Backoff | None = None,
        buffer_bytes: int = DEFAULT_BUFFER_BYTES,
    ) -> None:
        self.url = url
        self.id = session_id
        self._wanted = messages or MessagesConfig()
        self._connection = Connection(random.random, backoff=backoff, buffer_bytes=buffer_bytes)
        self._socket: ClientConnection | None = None
        self._sending = asyncio.Lock()
        self._progress = asyncio.Event()
        self._messages = asyncio.Queue[Message | None]()
        self._places = asyncio.Semaphore(MAX_WAITING_MESSAGES)
        self._task: asyncio.Task[Ended] | None = None

    @property
    def state(self) -> State:
        """The session's state."""
        return self._connection.state

    @property
    def acknowledged(self) -> int:
        """Bytes that the server has stored."""
        return self._connection.acknowledged

    async def __aenter__(self) -> Self:
        """Start connecting; audio may be sent at once."""
        if self._task is not None:
            raise SessionStateError("a session can be entered only once")
        self._task = asyncio.create_task(self._run(), name=f"live session {self.id}")
        self._task.add_done_callback(self._over)
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            # Iteration or send_audio has already raised the error.
            await asyncio.gather(self._task, return_exceptions=True)

    async def __aiter__(self) -> AsyncIterator[Message]:
        """Iterate over messages as they arrive, until the session has finished.

        Raises:
            SessionClosedError: the connection ended, but the session did not finish.
            ProtocolError: the server does not speak this protocol.
        """
        while (message := await self._messages.get()) is not None:
            self._places.release()
            yield message
        self._messages.put_nowait(None)  # ends a repeated iteration, too
        ended = self._ended()
        if ended and not ended.finished:
            raise SessionClosedError(ended.code, ended.reason)

    async def send_audio(self, data: bytes) -> None:
        """Send audio; wait while too much of it is unacknowledged.

        Empty ``data`` keeps an idle connection open.

        Raises:
            SessionStateError: the recording was stopped, or the session was not entered.
            SessionClosedError: the session is over.
        """
        task = self._entered()
        while not task.done() and not self._connection.has_room(len(data)):
            self._progress.clear()
            await self._progress.wait()
        if ended := self._ended():
            raise SessionClosedError(ended.code, ended.reason)
        await self._send(self._socket, self._connection.audio(data))

    async def finalize(self, channel: int | None = None) -> None:
        """End the current utterance after the audio sent so far, without waiting for a pause.

        For applications that know when a speaker has finished. Audio may continue afterwards, in
        a new utterance. The request is sent as soon as there is a connection, and resent after a
        drop until the server acknowledges it. This is an extension: to Gladia's servers it is an
        unknown message.

        Args:
            channel: the only channel to finalize; None for all of them.

        Raises:
            SessionStateError: the recording was stopped, or the session was not entered.
            SessionClosedError: the session is over.
        """
        if ended := self._ended():
            raise SessionClosedError(ended.code, ended.reason)
        await self._send(self._socket, self._connection.finalize(channel))

    async def stop(self) -> None:
        """Stop the recording: the server finishes, and iteration ends with its last message.

        The stop is sent as soon as there is a connection, and resent after a drop.
        """
        if not self._entered().done():
            await self._send(self._socket, self._connection.stop())

    def _entered(self) -> asyncio.Task[Ended]:
        if self._task is None:
            raise SessionStateError("enter the session first: async with session: …")
        return self._task

    def _ended(self) -> Ended | None:
        """Return how the session ended, or None; raise the error that broke it."""
        task = self._entered()
        if not task.done():
            return None
        return LEFT if task.cancelled() else task.result()

    async def _run(self) -> Ended:
        while True:
            outcome = await self._connect_once()
            if isinstance(outcome, Ended):
                return outcome
            logger.info("session %s: connecting again in %.1f s", self.id, outcome.delay)
            await asyncio.sleep(outcome.delay)

    def _over(self, _task: asyncio.Task[Ended]) -> None:
        """Wake the tasks that wait for a message or for buffer space."""
        self._messages.put_nowait(None)
        self._progress.set()

    async def _connect_once(self) -> Reconnect | Ended:
        try:
            socket = await connect(
                _at(self.url, self._connection.acknowledged),
                compression=None,
                max_size=MAX_MESSAGE_BYTES,
                open_timeout=OPEN_TIMEOUT,
            )
        except InvalidStatus as error:
            return self._connection.refused(error.response.status_code)
        except InvalidURI as error:
            raise ProtocolError("the session's URL is no WebSocket URL") from error
        except (OSError, WebSocketException) as error:
            return self._connection.lost(ABNORMAL_CLOSURE, f"cannot connect: {error}")
        async with socket:
            await self._exchange(socket)
        return self._connection.lost(
            socket.close_code or ABNORMAL_CLOSURE, socket.close_reason or ""
        )

    async def _exchange(self, socket: ClientConnection) -> None:
        """Send and receive until the socket closes."""
        # Acquired before other senders have frames for this socket: the tail must go first.
        await self._sending.acquire()
        frames = self._connection.opened()
        self._socket = socket
        # Receive while the tail is sent: a server that cannot send its acks may stop reading.
        resending = asyncio.create_task(self._write(socket, frames), name="resend")
        resending.add_done_callback(lambda _: self._sending.release())
        try:
            while True:
                await self._take(await socket.recv())
        except ConnectionClosed as closed:
            logger.debug("session %s: %s", self.id, closed)
        finally:
            self._socket = None
            resending.cancel()
            await asyncio.gather(resending, return_exceptions=True)

    async def _take(self, text: str | bytes) -> None:
        message = self._connection.receive(text)
        self._progress.set()
        if message is None:
            return
        if isinstance(message, UnknownMessage) or passes(message, self._wanted):
            await self._places.acquire()
            self._messages.put_nowait(message)

    async def _send(self, socket: ClientConnection | None, frames: Sequence[Frame]) -> None:
        """Send frames in the order of the calls."""
        if socket is not None and frames:
            async with self._sending:
                await self._write(socket, frames)

    async def _write(self, socket: ClientConnection, frames: Sequence[Frame]) -> None:
        """Write to a socket that may be closed by now.

        Nothing is lost in that case: audio and the stop are resent on the next socket.
        """
        try:
            for frame in frames:
                await socket.send(frame)
        except ConnectionClosed as closed:
            logger.debug("session %s: closed while sending: %s", self.id, closed)


def _at(url: str, position: int) -> str:
    """Return the address with the position at which the audio continues, stated explicitly."""
    return f"{url}{'&' if urlsplit(url).query else '?'}position={position}"
