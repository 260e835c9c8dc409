"""Whatever is cut between a client and the server, the stored audio is the sent audio.

The client is the kind that sends its unacknowledged tail again without saying where it starts.
"""

import random
from collections import deque

from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from vivavoce.session.resume import Known, More, Overlap, Read, find_start

FRAME = 512 * 1024


def noise(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)


def quiet_noise(size: int, seed: int) -> bytes:
    """A microphone in a silent room: samples of -1, 0 and 1."""
    source = random.Random(seed)
    return b"".join(source.choice((b"\xff\xff", bytes(2), b"\x01\x00")) for _ in range(size // 2))


class Source:
    """What a client has to say, chunk by chunk."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.said = 0
        self.period = bytes((7 * i * i + 31 * i) % 256 for i in range(320))

    @property
    def informative(self) -> bool:
        return self.kind in {"noise", "quiet noise"}

    def say(self, size: int, *, speaks: bool) -> bytes:
        """The next audio; no noise ever comes twice."""
        begin = self.said
        self.said += size
        match self.kind:
            case "noise":
                return noise(size, begin)
            case "quiet noise":
                return quiet_noise(size, begin)
            case "silence":
                return bytes(size)
            case "tone":
                start = begin % len(self.period)
                return (self.period * (size // len(self.period) + 2))[start : start + size]
            case _:
                return noise(size, begin) if speaks else bytes(size)


class Server:
    """Stores, and acknowledges what is new and what is sent again; ``find_start`` at work."""

    def __init__(self) -> None:
        self.stored = bytearray()
        self.handed = 0
        self.boundaries = deque([0], 1024)
        self.confirmed = 0
        self.told = 0
        self.ambiguous = 0

    def connected(self) -> None:
        self.held: list[bytes] = []
        self.overlap: Overlap | None = None
        known = Known(len(self.stored), self.handed, tuple(self.boundaries), self.confirmed)
        self.finding = find_start(known)
        if self.confirmed < len(self.stored):
            self._read(next(self.finding))
        else:
            self.overlap = Overlap(len(self.stored), len(self.stored))

    def _read(self, request: Read | More) -> None:
        """Let the finding read until it waits for the client."""
        while isinstance(request, Read):
            request = self.finding.send(bytes(self.stored[request.start : request.end]))

    def take(self, frame: bytes) -> list[int]:
        """The ends that can be acknowledged now."""
        self.held.append(frame)
        if self.overlap is None:
            self._feed(frame)
        return self._place()

    def quiet(self) -> list[int]:
        """No more comes for now."""
        if self.overlap is None and self.held:
            self._feed(None)
        return self._place()

    def _feed(self, piece: bytes | None) -> None:
        try:
            self._read(self.finding.send(piece))
        except StopIteration as found:
            self.overlap = Overlap(found.value.position, len(self.stored))
            self.ambiguous += found.value.ambiguous

    def _place(self) -> list[int]:
        if self.overlap is None:
            return []
        ends = []
        for frame in self.held:
            matched = 0
            while matched < len(frame) and not self.overlap.over:
                wanted = self.overlap.wanted(len(frame) - matched)
                stored = bytes(self.stored[wanted.start : wanted.end])
                matched += self.overlap.match(frame[matched:], stored)
            self.stored += frame[matched:]
            end = self.overlap.position if matched == len(frame) else len(self.stored)
            ends.append(max(end, self.told))
        self.held = []
        return ends

    def hand(self, end: int) -> None:
        assert end >= self.told
        self.told = self.handed = end
        self.boundaries.append(end)


class Resume(RuleBasedStateMachine):
    """One client, one server, and a line that breaks."""

    @initialize(kind=st.sampled_from(["noise", "quiet noise", "silence", "tone", "mixture"]))
    def begin(self, kind: str) -> None:
        self.source = Source(kind)
        self.server = Server()
        self.sent = bytearray()
        self.acknowledged = 0
        self.up = False
        self.to_server = deque[bytes]()
        self.due = deque[int]()  # acknowledgements that are true but not handed to the socket
        self.to_client = deque[int]()

    @precondition(lambda self: not self.up)
    @rule(piece=st.sampled_from([320, 1000, 3200, FRAME]))
    def connect(self, piece: int) -> None:
        self.up = True
        self.server.connected()
        tail = bytes(self.sent[self.acknowledged :])
        self.to_server.extend(tail[at : at + piece] for at in range(0, len(tail), piece))

    @rule(
        size=st.one_of(st.sampled_from([640, 3200]), st.integers(320, 20_000)),
        speaks=st.booleans(),
    )
    def speak(self, size: int, *, speaks: bool) -> None:
        audio = self.source.say(size // 2 * 2, speaks=speaks)
        self.sent += audio
        if self.up:
            self.to_server.append(audio)

    @precondition(lambda self: self.to_server)
    @rule(count=st.integers(1, 30))
    def store(self, count: int) -> None:
        for _ in range(min(count, len(self.to_server))):
            self.due.extend(self.server.take(self.to_server.popleft()))

    @precondition(lambda self: self.up and not self.to_server)
    @rule()
    def wait(self) -> None:
        self.due.extend(self.server.quiet())

    @precondition(lambda self: self.due)
    @rule(count=st.integers(1, 30))
    def hand_acks(self, count: int) -> None:
        for _ in range(min(count, len(self.due))):
            end = self.due.popleft()
            self.server.hand(end)
            self.to_client.append(end)

    @precondition(lambda self: self.to_client)
    @rule(count=st.integers(1, 30))
    def deliver_acks(self, count: int) -> None:
        for _ in range(min(count, len(self.to_client))):
            self.acknowledged = self.to_client.popleft()

    @precondition(lambda self: self.up and not self.to_client)
    @rule()
    def prove(self) -> None:
        """A ping after the last acknowledgement is answered."""
        self.server.confirmed = self.acknowledged

    @precondition(lambda self: self.sent and self.server.confirmed == len(self.sent))
    @rule(start=st.integers(0, 20_000), size=st.integers(320, 20_000))
    def replay(self, start: int, size: int) -> None:
        """The client plays audio again whose acknowledgements it has certainly read."""
        begin = min(start, len(self.sent) - 1) // 2 * 2
        audio = bytes(self.sent[begin : begin + size // 2 * 2])
        event(f"{self.source.kind}: replayed")
        self.sent += audio
        if self.up:
            self.to_server.append(audio)

    @precondition(lambda self: self.up)
    @rule()
    def drop(self) -> None:
        if not self.source.informative:
            # Silence cannot tell whether the last ack arrived: here it does.
            self.deliver_acks(len(self.to_client))
        event(f"{self.source.kind}: {len(self.to_client)} acks lost")
        self.up = False
        for queue in (self.to_server, self.due, self.to_client):
            queue.clear()

    @invariant()
    def what_is_stored_is_what_was_sent(self) -> None:
        if hasattr(self, "server"):
            assert bytes(self.server.stored) == bytes(self.sent[: len(self.server.stored)])
            assert self.acknowledged <= len(self.server.stored)

    def teardown(self) -> None:
        """On a line that holds, everything arrives."""
        if not hasattr(self, "server"):
            return
        if not self.up:
            self.connect(3200)
        self.store(len(self.to_server))
        self.wait()
        self.hand_acks(len(self.due))
        self.deliver_acks(len(self.to_client))
        assert bytes(self.server.stored) == bytes(self.sent)
        assert self.acknowledged == len(self.sent)
        if self.source.informative:
            assert self.server.ambiguous == 0


Resume.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestResume = Resume.TestCase
