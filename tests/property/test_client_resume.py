"""Whatever is dropped and delayed between client and server, the stored audio is the sent audio."""

import random
from collections import deque

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from vivavoce.client import Connection, Reconnect, State
from vivavoce.protocol.messages import (
    AudioChunkAck,
    ChunkRange,
    FinalizeAck,
    StopRecordingAck,
    encode,
)

BUFFER = 4096


class ModelServer:
    """Stores bytes once, by position; acknowledges everything, also what it already had.

    Where a resent tail begins is known here from the outside; that the real server finds it out
    is the real server's test.
    """

    def __init__(self) -> None:
        self.stored = bytearray()
        self.stopped = False
        self.breaks: set[int] = set()
        self._position = 0

    def connected(self, resumes_at: int) -> None:
        self._position = resumes_at

    def take(self, frame: bytes | str) -> bytes:
        if isinstance(frame, str) and "finalize" in frame:
            self.breaks.add(self._position)
            return encode(FinalizeAck(session_id="s", created_at="", acknowledged=True))
        if isinstance(frame, str):
            fresh, self.stopped = not self.stopped, True
            return encode(StopRecordingAck(session_id="s", created_at="", acknowledged=fresh))
        begin = self._position
        self._position += len(frame)
        known = min(len(self.stored), self._position) - begin
        assert known >= 0, "a gap: bytes are missing between what is stored and what came"
        assert self.stored[begin : begin + known] == frame[:known]
        self.stored += frame[known:]
        span = ChunkRange((begin, self._position), (0, 0))
        return encode(AudioChunkAck(session_id="s", created_at="", acknowledged=True, data=span))


class Resume(RuleBasedStateMachine):
    """One client, one server, and two pipes that can be cut."""

    def __init__(self) -> None:
        super().__init__()
        self.client = Connection(random.Random(7).random, buffer_bytes=BUFFER)
        self.server = ModelServer()
        self.sent = bytearray()
        self.breaks: set[int] = set()
        self.to_server = deque[bytes | str]()
        self.to_client = deque[bytes]()

    @property
    def up(self) -> bool:
        return self.client.state in {State.OPEN, State.STOPPING}

    @precondition(lambda self: self.client.state is State.CONNECTING)
    @rule()
    def open(self) -> None:
        self.server.connected(self.client.acknowledged)
        self.to_server.extend(self.client.opened())

    @precondition(lambda self: not self.client.stop_requested)
    @rule(size=st.integers(0, 700), fill=st.integers(0, 255), noise=st.booleans())
    def speak(self, size: int, fill: int, *, noise: bool) -> None:
        data = random.Random(fill).randbytes(size) if noise else bytes([fill]) * size
        if self.client.has_room(size):
            self.sent += data
            self.to_server.extend(self.client.audio(data))

    @precondition(lambda self: not self.client.stop_requested)
    @rule()
    def finalize(self) -> None:
        self.breaks.add(len(self.sent))
        self.to_server.extend(self.client.finalize())

    @rule()
    def stop(self) -> None:
        self.to_server.extend(self.client.stop())

    @precondition(lambda self: self.to_server)
    @rule(count=st.integers(1, 8))
    def deliver_audio(self, count: int) -> None:
        for _ in range(min(count, len(self.to_server))):
            self.to_client.append(self.server.take(self.to_server.popleft()))

    @precondition(lambda self: self.to_client)
    @rule(count=st.integers(1, 8))
    def deliver_acks(self, count: int) -> None:
        for _ in range(min(count, len(self.to_client))):
            self.client.receive(self.to_client.popleft())

    @precondition(lambda self: self.up)
    @rule(code=st.sampled_from([1006, 1009, 1011, 1012]))
    def drop(self, code: int) -> None:
        self.to_server.clear()
        self.to_client.clear()
        assert isinstance(self.client.lost(code), Reconnect)

    @invariant()
    def nothing_is_acknowledged_that_is_not_stored(self) -> None:
        assert self.client.acknowledged <= len(self.server.stored)
        assert bytes(self.server.stored) == bytes(self.sent[: len(self.server.stored)])

    @invariant()
    def memory_is_bounded(self) -> None:
        assert self.client.unacknowledged <= BUFFER
        assert self.client.unacknowledged == len(self.sent) - self.client.acknowledged

    def teardown(self) -> None:
        """On a line that holds, everything arrives, the stop too."""
        if not self.up:
            self.open()
        while self.to_server:
            self.to_client.append(self.server.take(self.to_server.popleft()))
        while self.to_client:
            self.client.receive(self.to_client.popleft())
        assert bytes(self.server.stored) == bytes(self.sent)
        assert self.server.breaks == self.breaks, "a break is missing, or in another place"
        assert self.client.unacknowledged == 0
        assert self.server.stopped == self.client.stop_requested


Resume.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestResume = Resume.TestCase
