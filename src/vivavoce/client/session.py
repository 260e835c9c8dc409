"""One live session over real sockets: sends audio, gives messages, comes back after a drop."""

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

    Iteration ends when the session has finished, and raises ``SessionClosedError`` where it
    could not. Leaving the block before that closes the socket with 1000, which the server takes
    as a stop: the result is still made and can be fetched.

    Messages that are not iterated over wait in memory; past ``MAX_WAITING_MESSAGES`` the socket
    is no longer read, and ``send_audio`` comes to a halt with it.

    Args:
        url: the socket's address, as the answer to the creation has it. Whoever knows it can
            connect: it is a secret.
        session_id: the session's id, for ``Client.get`` and its like.
        messages: which messages the iteration gives; acknowledgements are used in any case.
        backoff: how long to wait between attempts to connect.
        buffer_bytes: bound on audio that waits for acknowledgement.
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
        """Where the session stands."""
        return self._connection.state

    @property
    def acknowledged(self) -> int:
        """Bytes that the server has stored."""
        return self._connection.acknowledged

    async def __aenter__(self) -> Self:
        """Begin to connect; audio may be sent at once."""
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
            # What went wrong was raised by the iteration or by send_audio.
            await asyncio.gather(self._task, return_exceptions=True)

    async def __aiter__(self) -> AsyncIterator[Message]:
        """Messages as they come, until the session has finished.

        Raises:
            SessionClosedError: the connection is over, but the session did not finish.
            ProtocolError: the server does not speak this protocol.
        """
        while (message := await self._messages.get()) is not None:
            self._places.release()
            yield message
        self._messages.put_nowait(None)  # for whoever iterates again
        ended = self._ended()
        if ended and not ended.finished:
            raise SessionClosedError(ended.code, ended.reason)

    async def send_audio(self, data: bytes) -> None:
        """Send audio; waits while too much of it is unacknowledged.

        Empty ``data`` keeps a quiet line open.

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
        """End what is being said, after the audio sent so far: its final comes without a pause.

        For those who know by themselves that a turn is over. Audio may go on afterwards, in a new
        utterance. Sent as soon as there is a connection, and again after a drop until the server
        has acknowledged it. An extension: Gladia's servers take it for an unknown message.

        Args:
            channel: the only channel that is meant; None for all of them.

        Raises:
            SessionStateError: the recording was stopped, or the session was not entered.
            SessionClosedError: the session is over.
        """
        if ended := self._ended():
            raise SessionClosedError(ended.code, ended.reason)
        await self._send(self._socket, self._connection.finalize(channel))

    async def stop(self) -> None:
        """No more audio comes: the server finishes, and the iteration ends with its last message.

        Sent as soon as there is a connection, and again after a drop.
        """
        if not self._entered().done():
            await self._send(self._socket, self._connection.stop())

    def _entered(self) -> asyncio.Task[Ended]:
        if self._task is None:
            raise SessionStateError("enter the session first: async with session: …")
        return self._task

    def _ended(self) -> Ended | None:
        """How the session ended, if it did; raises what broke it."""
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
        """Wake whoever waits for a message or for room."""
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
        """Send and read until the socket closes."""
        # The turn is taken before anybody can have frames for this socket: the tail goes first.
        await self._sending.acquire()
        frames = self._connection.opened()
        self._socket = socket
        # Read while the tail is sent: a server that cannot deliver its acks may stop reading.
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
        """Send in the order of the calls."""
        if socket is not None and frames:
            async with self._sending:
                await self._write(socket, frames)

    async def _write(self, socket: ClientConnection, frames: Sequence[Frame]) -> None:
        """Write to a socket that may be gone by now.

        Then nothing is missing: audio is kept and sent again on the next one, and so is the stop.
        """
        try:
            for frame in frames:
                await socket.send(frame)
        except ConnectionClosed as closed:
            logger.debug("session %s: closed while sending: %s", self.id, closed)


def _at(url: str, position: int) -> str:
    """The address that also says where the audio goes on, so that no server has to guess."""
    return f"{url}{'&' if urlsplit(url).query else '?'}position={position}"
