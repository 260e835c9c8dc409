"""The client's side of one live session, without I/O: events in, frames and decisions out.

The transport above it opens sockets and reports events; this object knows which bytes the server
has stored, what must be resent after a drop, and whether to reconnect after a drop.
"""

from collections import deque
from collections.abc import Callable
from enum import Enum
from types import MappingProxyType

from vivavoce.client.errors import BufferFullError, ProtocolError, SessionStateError
from vivavoce.client.incoming import Message, UnknownMessage, decode
from vivavoce.client.outcome import Backoff, Ended, Reconnect
from vivavoce.client.resend import ResendBuffer
from vivavoce.protocol.close_codes import CloseCode
from vivavoce.protocol.messages import (
    AudioChunkAck,
    Finalize,
    FinalizeAck,
    FinalizeData,
    StopRecording,
    StopRecordingAck,
    Transcript,
    encode,
)

ABNORMAL_CLOSURE = 1006
GOING_AWAY = 1001
REFUSALS = range(4400, 4500)
DEFAULT_BUFFER_BYTES = 16 * 1024 * 1024

# Statuses of a refused handshake that may change soon.
_PASSING_STATUSES = frozenset({408, 425, 429})
_SERVER_FAULTS = range(500, 600)

MAX_FINALIZES = 1024
"""Maximum unacknowledged finalize requests kept for resending; the oldest are dropped."""

Frame = bytes | str


class State(Enum):
    """State of the session."""

    CONNECTING = "connecting"
    """No socket is open; audio is buffered."""
    OPEN = "open"
    """A socket is open and audio may be sent."""
    STOPPING = "stopping"
    """The stop was sent; the last messages are outstanding."""
    ENDED = "ended"
    """The session is over and does not reconnect."""


class Event(Enum):
    """Events that change the session's state."""

    OPENED = "opened"
    STOP = "stop"
    LOST = "lost"
    END = "end"


TRANSITIONS = MappingProxyType(
    {
        (State.CONNECTING, Event.OPENED): State.OPEN,
        (State.CONNECTING, Event.STOP): State.CONNECTING,  # remembered, sent once open
        (State.CONNECTING, Event.LOST): State.CONNECTING,
        (State.CONNECTING, Event.END): State.ENDED,
        (State.OPEN, Event.STOP): State.STOPPING,
        (State.OPEN, Event.LOST): State.CONNECTING,
        (State.OPEN, Event.END): State.ENDED,
        (State.STOPPING, Event.STOP): State.STOPPING,
        (State.STOPPING, Event.LOST): State.CONNECTING,
        (State.STOPPING, Event.END): State.ENDED,
    }
)


class Connection:
    """The client's side of one session.

    Args:
        random: source of jitter, [0, 1).
        backoff: delays between connection attempts.
        buffer_bytes: limit on unacknowledged audio.
    """

    def __init__(
        self,
        random: Callable[[], float],
        *,
        backoff: Backoff | None = None,
        buffer_bytes: int = DEFAULT_BUFFER_BYTES,
    ) -> None:
        self._random = random
        self._backoff = backoff or Backoff()
        self._buffer_bytes = buffer_bytes
        self._buffer = ResendBuffer()
        # Unacknowledged, each with the audio that precedes it; answered in order.
        self._finalizes: deque[tuple[int, Frame]] = deque(maxlen=MAX_FINALIZES)
        self._overtaken = 0  # dropped ones whose answer is still expected on this socket
        self._attempts = 0
        self.state = State.CONNECTING
        self.stop_requested = False
        # Hashes of messages that the server stores and may resend, byte for byte.
        self._told: set[int] = set()

    @property
    def acknowledged(self) -> int:
        """Bytes of the session that the server has acknowledged as stored."""
        return self._buffer.start

    @property
    def sent(self) -> int:
        """Bytes of the session passed to ``audio`` so far."""
        return self._buffer.end

    @property
    def unacknowledged(self) -> int:
        """Bytes kept for resending."""
        return len(self._buffer)

    def has_room(self, size: int) -> bool:
        """Return whether ``size`` bytes fit now; an empty buffer takes any size."""
        return not self._buffer or len(self._buffer) + size <= self._buffer_bytes

    def opened(self) -> list[Frame]:
        """Record an open socket; return the frames to send first."""
        self._move(Event.OPENED)
        self._overtaken = 0
        first, *others = self._buffer.parts([position for position, _ in self._finalizes])
        frames: list[Frame] = [*first]
        for (_, finalize), part in zip(self._finalizes, others, strict=True):
            frames += [finalize, *part]
        # The server stores a stop, but may never have received it.
        return frames + self.stop() if self.stop_requested else frames

    def audio(self, data: bytes) -> list[Frame]:
        """Buffer audio; return the frames to send now. Empty ``data`` keeps the connection open.

        Raises:
            SessionStateError: the recording was stopped, or the session has ended.
            BufferFullError: too much is unacknowledged (see ``has_room``).
        """
        self._check_recording()
        if not self.has_room(len(data)):
            raise BufferFullError(f"{self.unacknowledged} bytes of audio wait for acknowledgement")
        frames: list[Frame] = [*self._buffer.append(data)] or [b""]
        return frames if self.state is State.OPEN else []

    def finalize(self, channel: int | None = None) -> list[Frame]:
        """End open utterances after the audio so far; return the frames to send now.

        The request is resent after a drop, at its position, until it is acknowledged or refused.

        Args:
            channel: the only channel to finalize; by default all.

        Raises:
            SessionStateError: the recording was stopped, or the session has ended.
        """
        self._check_recording()
        data = None if channel is None else FinalizeData(channel)
        frame = encode(Finalize(data)).decode()
        self._finalizes.append((self._buffer.end, frame))
        return [frame] if self.state is State.OPEN else []

    def _check_recording(self) -> None:
        if self.state is State.ENDED or self.stop_requested:
            ended = self.state is State.ENDED
            raise SessionStateError("the session has ended" if ended else "recording was stopped")

    def stop(self) -> list[Frame]:
        """Stop the recording: no more audio follows. Return the frames to send now.

        Raises:
            SessionStateError: the session has ended.
        """
        connected = self.state in {State.OPEN, State.STOPPING}
        self._move(Event.STOP)
        self.stop_requested = True
        return [encode(StopRecording()).decode()] if connected else []

    def receive(self, text: str | bytes) -> Message | None:
        """Decode a message from the server and record what it acknowledges.

        After a drop, the server resends messages that may not have arrived; a duplicate returns
        None.

        Raises:
            ProtocolError: not a message of this protocol, or it acknowledges data never sent.
        """
        message = decode(text)
        if isinstance(message, AudioChunkAck) and message.acknowledged and message.data:
            self._acknowledge(message.data.byte_range[1])
        if isinstance(message, FinalizeAck):
            self._finalized()
        if isinstance(message, AudioChunkAck | FinalizeAck | StopRecordingAck):
            self._attempts = 0
        elif not _is_fleeting(message):
            if hash(text) in self._told:
                return None
            self._told.add(hash(text))
        return message

    def lost(self, code: int, reason: str = "") -> Reconnect | Ended:
        """Record that the socket was closed, or could not be opened (code 1006)."""
        if code in {CloseCode.FINISHED, GOING_AWAY} or code in REFUSALS:
            return self._end(code, reason or "closed by the server")
        return self._retry(code, reason or "connection lost")

    def refused(self, status: int) -> Reconnect | Ended:
        """Record a handshake refused with an HTTP error; 403 for a session that is over."""
        if status in _PASSING_STATUSES or status in _SERVER_FAULTS:
            return self._retry(status, "the server refused the handshake")
        return self._end(status, "the server no longer takes a connection for this session")

    def _retry(self, code: int, reason: str) -> Reconnect | Ended:
        if self._attempts >= self._backoff.attempts:
            return self._end(code, f"{reason}; gave up after {self._attempts} attempts")
        delay = self._backoff.delay(self._attempts, self._random)
        self._attempts += 1
        self._move(Event.LOST)
        return Reconnect(delay)

    def _end(self, code: int, reason: str) -> Ended:
        self._move(Event.END)
        return Ended(code, reason)

    def _acknowledge(self, position: int) -> None:
        try:
            self._buffer.acknowledge(position)
        except ValueError as error:
            raise ProtocolError(f"the server acknowledged too much: {error}") from error
        # Merged acknowledgements may overtake: audio behind a finalize is stored after it.
        while self._finalizes and self._finalizes[0][0] < position:
            self._finalizes.popleft()
            self._overtaken += 1

    def _finalized(self) -> None:
        if self._overtaken:
            self._overtaken -= 1
        elif self._finalizes:
            self._finalizes.popleft()

    def _move(self, event: Event) -> None:
        following = TRANSITIONS.get((self.state, event))
        if following is None:
            raise SessionStateError(f"a session that is {self.state.value} cannot be {event.value}")
        self.state = following


def _is_fleeting(message: Message) -> bool:
    """Return whether the server sends this message only once, also after a drop."""
    if isinstance(message, Transcript):
        return not message.data.is_final
    return isinstance(message, UnknownMessage)
