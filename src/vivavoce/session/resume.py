"""Alignment of resent audio: finds where a returning client's audio begins.

A client resends unacknowledged audio without stating where it begins. It may have missed acks
that the server sent, and its audio may be new. The position follows from the stored audio: bytes
that carry enough information occur in one place only. Silence, tones and loops occur in many
places; then the last ack that was handed to a socket decides, or the latest ack that does not
contradict the bytes.

No I/O: ``find_start`` yields its requests and is sent the results.
"""

import zlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import lru_cache

FEWEST = 48
"""Minimum bytes for a decision; the search repeats each time their number has doubled."""

INFORMATION = 16
"""Compressed bytes, beyond those of silence, from which audio does not recur by chance."""

RECENT = 256 * 1024
"""Bytes of stored audio that are searched first."""

MOST_RECENT = 2 * 1024 * 1024
"""Upper bound of the bytes searched first, if many of them are not acknowledged."""

BLOCK = 1024 * 1024
"""Bytes of older audio searched at a time."""

FARTHEST = 16 * BLOCK
"""Maximum distance, in bytes, between the end and a beginning."""

NEEDLE = 4096
"""Maximum length, in bytes, of the pattern searched in older audio."""

CONTEXT = 64 * 1024
"""Bytes before a match that are compared with those before the end."""

MOST_PLACES = 64


@dataclass(frozen=True, slots=True)
class Known:
    """Stored positions of a session when its client returns.

    Attributes:
        end: bytes stored.
        handed: end of the last ack that was handed to a socket; ``end`` if unknown.
        boundaries: ends of earlier acks, ascending; the first limits the search.
        confirmed: end of the last ack that the client has certainly read. The client resends
            nothing from before it: identical audio is new.
    """

    end: int
    handed: int
    boundaries: Sequence[int] = (0,)
    confirmed: int = 0

    @property
    def oldest(self) -> int:
        """The earliest position at which the client may begin."""
        return max(self.boundaries[0], self.end - FARTHEST, self.confirmed)


@dataclass(frozen=True, slots=True)
class Read:
    """Request for the stored bytes ``[start, end)``."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class More:
    """Request for the next bytes of the client; the result is None if there are none for now."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where the client's audio begins; ``ambiguous`` if the bytes did not determine it."""

    position: int
    ambiguous: bool = False


Finding = Generator[Read | More, bytes | None, Start]
"""Yields requests, is sent their results, and returns the start."""


class _Stored:
    """The latest stored audio, from ``start`` to the end; no client begins before ``oldest``."""

    def __init__(self, start: int, audio: bytes, oldest: int = 0) -> None:
        self.start = start
        self.end = start + len(audio)
        self.audio = audio
        self._first = max(start, oldest)
        self.complete = oldest >= start  # the client cannot begin before it

    def holds(self, resent: bytes) -> bool:
        """Return whether the client's bytes occur where it may begin."""
        return self.audio.find(resent, self._first - self.start) >= 0

    def agrees(self, position: int, resent: bytes) -> bool:
        """Return whether the client's bytes match the stored ones there, as far as both reach."""
        if not self._first <= position <= self.end:
            return False
        offset = position - self.start
        if position + len(resent) <= self.end:
            return self.audio.startswith(resent, offset)
        return resent.startswith(self.audio[offset:])

    def places(self, resent: bytes) -> list[int]:
        """Return where bytes with enough information may begin; repeating audio has many places."""
        size = _informative(resent)
        found: list[int] = []
        at = self.audio.find(resent[:size], self._first - self.start) if size else -1
        while at >= 0 and len(found) < MOST_PLACES:
            found.append(self.start + at)
            at = self.audio.find(resent[:size], at + 1)
        return [position for position in found if self.agrees(position, resent)]

    def repeats(self, before: bytes) -> bool:
        """Return whether the audio before a place also precedes the end.

        If so, the audio is a loop: new audio continues from the end as it did from that place.
        """
        shared = common_suffix(before, self.audio[-CONTEXT:])
        return bool(_informative(before[len(before) - shared :]))

    def goes_on(self, places: Sequence[int]) -> bool:
        """Return whether the client's bytes, found at these places, may be new audio at the end."""
        offsets = (place - self.start for place in places)
        return not places or any(
            self.repeats(self.audio[max(0, offset - CONTEXT) : offset]) for offset in offsets
        )


def find_start(known: Known) -> Finding:
    """Find where the client's audio begins, using as few of its bytes as possible."""
    begin = max(0, min(known.end - RECENT, known.handed - CONTEXT), known.end - MOST_RECENT)
    stored = _Stored(begin, (yield Read(begin, known.end)) or b"", known.confirmed)
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
    """Return whether more of the client's bytes could change the decision."""
    if places:
        return any(place + len(resent) <= stored.end for place in places)
    if _informative(resent):
        return False
    return stored.holds(resent) or (not stored.complete and len(resent) < NEEDLE)


def _search_older(
    known: Known, stored: _Stored, resent: bytes
) -> Generator[Read, bytes | None, int | None]:
    """Search for bytes with enough information in older audio, the latest block first."""
    needle = resent[:NEEDLE]
    if not _informative(needle):
        return None
    oldest = known.oldest
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
    """Return the latest ack that the bytes allow, or the end."""
    resent = resent[: len(stored.audio) + 1]
    acks = {known.handed, *known.boundaries}
    if not stored.goes_on(stored.places(resent)):
        acks.discard(known.end)
    allowed = sorted(ack for ack in acks if stored.agrees(ack, resent))
    position = allowed[-1] if allowed else known.end
    elsewhere = position == known.end and bool(resent) and stored.holds(resent)
    return Start(position, ambiguous=len(allowed) > 1 or elsewhere)


def _informative(audio: bytes) -> int:
    """Return the length of the shortest beginning with enough information; 0 if none."""
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
    """Return the compressed size of ``size`` bytes of silence."""
    return len(zlib.compress(bytes(size)))


class Overlap:
    """The part of a client's audio that is resent although already stored.

    Attributes:
        position: where the client's next byte belongs.
        differs: whether the client sent different bytes; the stored ones are kept.
    """

    def __init__(self, start: int, end: int) -> None:
        self.position = start
        self.differs = False
        self._end = end

    @property
    def over(self) -> bool:
        """Whether all further audio is new."""
        return self.differs or self.position >= self._end

    def wanted(self, size: int) -> Read:
        """Return the request for the stored bytes to compare the next ``size`` bytes with."""
        return Read(self.position, min(self.position + min(size, BLOCK), self._end))

    def match(self, audio: bytes, stored: bytes) -> int:
        """Compare the next bytes with the stored ones; return how many are equal."""
        compared = min(len(audio), len(stored))
        same = common_prefix(audio, stored)
        self.position += same
        self.differs = same < compared
        return same


def common_prefix(a: bytes, b: bytes) -> int:
    """Return the length of the common prefix."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def common_suffix(a: bytes, b: bytes) -> int:
    """Return the length of the common suffix."""
    return common_prefix(a[::-1], b[::-1])
