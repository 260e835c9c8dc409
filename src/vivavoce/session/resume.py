"""Where the audio of a client that comes back begins, found from the audio itself.

A client sends what was not acknowledged again and does not say where that starts. It may have
missed acks that left here, and what it sends may be new. The stored audio tells: bytes that carry
information are found at one place only, and that is where they come from. Silence, tones and
loops are found at many places; then the last ack that was handed to a socket decides, or the
newest one that does not contradict the bytes.

No I/O: ``find_start`` asks for what it needs and is sent the answers.
"""

import zlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import lru_cache

FEWEST = 48
"""Bytes below which nothing is concluded; looked at again each time their number has doubled."""

INFORMATION = 16
"""Bytes that sound takes more than silence, compressed, so as not to come twice by chance."""

RECENT = 256 * 1024
"""Bytes of stored audio in which a beginning is looked for first."""

MOST_RECENT = 2 * 1024 * 1024
"""The same where many of them have not been acknowledged."""

BLOCK = 1024 * 1024
"""Bytes of older audio searched at a time."""

FARTHEST = 16 * BLOCK
"""How far behind the end a beginning is looked for."""

NEEDLE = 4096
"""Bytes that are looked for in older audio."""

CONTEXT = 64 * 1024
"""Bytes before a place that are compared with those before the end."""

MOST_PLACES = 64


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a session when its client is back.

    Attributes:
        end: bytes stored.
        handed: end of the last ack that was handed to a socket; ``end`` if that is not known.
        boundaries: ends of acks handed earlier, ascending; the first is as far as to look.
    """

    end: int
    handed: int
    boundaries: Sequence[int] = (0,)


@dataclass(frozen=True, slots=True)
class Read:
    """Asks for the stored bytes ``[start, end)``."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class More:
    """Asks for the next bytes of the client; None says that there are none for now."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where the client's audio begins; ``ambiguous`` where the bytes did not decide."""

    position: int
    ambiguous: bool = False


Finding = Generator[Read | More, bytes | None, Start]
"""Yields what it needs, is sent it, and returns the start."""


class _Stored:
    """The newest stored audio, from ``start`` to the end."""

    def __init__(self, start: int, audio: bytes) -> None:
        self.start = start
        self.end = start + len(audio)
        self.audio = audio

    def agrees(self, position: int, resent: bytes) -> bool:
        """Whether the client's bytes could begin there, as far as both go."""
        if not self.start <= position <= self.end:
            return False
        offset = position - self.start
        if position + len(resent) <= self.end:
            return self.audio.startswith(resent, offset)
        return resent.startswith(self.audio[offset:])

    def places(self, resent: bytes) -> list[int]:
        """Where bytes that carry information could begin; many for a sound that repeats."""
        size = _informative(resent)
        found: list[int] = []
        at = self.audio.find(resent[:size]) if size else -1
        while at >= 0 and len(found) < MOST_PLACES:
            found.append(self.start + at)
            at = self.audio.find(resent[:size], at + 1)
        return [position for position in found if self.agrees(position, resent)]

    def repeats(self, before: bytes) -> bool:
        """Whether what stands before a place stands before the end too.

        Then the sound is a loop: what follows on from the end is what followed that place.
        """
        shared = common_suffix(before, self.audio[-CONTEXT:])
        return bool(_informative(before[len(before) - shared :]))

    def goes_on(self, places: Sequence[int]) -> bool:
        """Whether the client's bytes, found at these places, may be what follows the end."""
        offsets = (place - self.start for place in places)
        return not places or any(
            self.repeats(self.audio[max(0, offset - CONTEXT) : offset]) for offset in offsets
        )


def find_start(known: Known) -> Finding:
    """Find where the client's audio begins, with as few of its bytes as it takes."""
    begin = max(0, min(known.end - RECENT, known.handed - CONTEXT), known.end - MOST_RECENT)
    stored = _Stored(begin, (yield Read(begin, known.end)) or b"")
    resent = bytearray()
    size = FEWEST
    most = max(len(stored.audio) + 1, NEEDLE)  # more could not be compared with anything
    while True:
        while len(resent) < min(size, most):
            piece = yield More()
            if piece is None:
                return _likeliest(known, stored, bytes(resent))
            resent += piece[: most - len(resent)]
        head = bytes(resent[:size])
        places = stored.places(head)
        if len(places) == 1 and not stored.goes_on(places):
            return Start(places[0])
        if not _may_tell(stored, places, head):
            older = None if places else (yield from _search_older(known, stored, head))
            return _likeliest(known, stored, head) if older is None else Start(older)
        size *= 2


def _may_tell(stored: _Stored, places: Sequence[int], resent: bytes) -> bool:
    """Whether more of the client's bytes could change what is known."""
    if places:
        return any(place + len(resent) <= stored.end for place in places)
    if _informative(resent):
        return False
    return resent in stored.audio or (stored.start > 0 and len(resent) < NEEDLE)


def _search_older(
    known: Known, stored: _Stored, resent: bytes
) -> Generator[Read, bytes | None, int | None]:
    """Look for bytes that carry information before the recent audio, the newest first."""
    needle = resent[:NEEDLE]
    if not _informative(needle):
        return None
    oldest = max(known.boundaries[0], known.end - FARTHEST)
    end = stored.start + len(needle) - 1
    while end - len(needle) >= oldest:
        begin = max(oldest, end - BLOCK)
        block = (yield Read(begin, end)) or b""
        if (at := block.find(needle)) >= 0:
            once = block.find(needle, at + 1) < 0
            place = begin + at
            before = (yield Read(max(0, place - CONTEXT), place)) or b""
            return place if once and not stored.repeats(before) else None
        end = begin + len(needle) - 1
    return None


def _likeliest(known: Known, stored: _Stored, resent: bytes) -> Start:
    """The newest ack that the bytes allow, or the end."""
    resent = resent[: len(stored.audio) + 1]
    acks = {known.handed, *known.boundaries}
    if not stored.goes_on(stored.places(resent)):
        acks.discard(known.end)
    allowed = sorted(ack for ack in acks if stored.agrees(ack, resent))
    position = allowed[-1] if allowed else known.end
    elsewhere = position == known.end and bool(resent) and resent in stored.audio
    return Start(position, ambiguous=len(allowed) > 1 or elsewhere)


def _informative(audio: bytes) -> int:
    """Length of the beginning that carries enough information to be known again; 0 for none."""
    size = FEWEST
    while size < len(audio):
        if _information(audio[:size]) >= INFORMATION:
            return size
        size *= 2
    enough = len(audio) >= FEWEST and _information(audio) >= INFORMATION
    return len(audio) if enough else 0


def _information(audio: bytes) -> int:
    return len(zlib.compress(audio)) - _silence(len(audio))


@lru_cache(maxsize=64)
def _silence(size: int) -> int:
    """Compressed size of so many bytes of silence."""
    return len(zlib.compress(bytes(size)))


class Overlap:
    """The part of a client's audio that is stored already, as it comes again.

    Attributes:
        position: where the client's next byte belongs.
        differs: the client sent other bytes than before; the first are kept.
    """

    def __init__(self, start: int, end: int) -> None:
        self.position = start
        self.differs = False
        self._end = end

    @property
    def over(self) -> bool:
        """Whether everything from here on is new."""
        return self.differs or self.position >= self._end

    def wanted(self, size: int) -> Read:
        """The stored bytes to compare the next ``size`` bytes with."""
        return Read(self.position, min(self.position + min(size, BLOCK), self._end))

    def match(self, audio: bytes, stored: bytes) -> int:
        """Compare the next bytes with the wanted ones; returns how many are the same."""
        compared = min(len(audio), len(stored))
        same = common_prefix(audio, stored)
        self.position += same
        self.differs = same < compared
        return same


def common_prefix(a: bytes, b: bytes) -> int:
    """How many bytes are the same from the beginning on."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def common_suffix(a: bytes, b: bytes) -> int:
    """How many bytes are the same from the end back."""
    return common_prefix(a[::-1], b[::-1])
