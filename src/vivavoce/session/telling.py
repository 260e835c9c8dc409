"""Which messages a client has for certain, and which a broken line may have swallowed. No I/O."""

from collections import deque

ARRIVAL_SECONDS = 1.0
"""A client that speaks this long after a message was sent to it has got that message."""


class Telling:
    """Follows what is sent to a client; numbers are those of the journal, times monotonic.

    What was sent shortly before a line broke may never have arrived. It is not counted as
    delivered, so the client is told again when it is back: better twice than never.

    Attributes:
        delivered: number of the last message that the client has for certain.
    """

    def __init__(self) -> None:
        self.delivered = 0
        self._under_way: deque[tuple[float, int]] = deque()

    def sent(self, sequence: int, now: float) -> None:
        """A message was handed to the socket; 0 is one that is not journaled."""
        if sequence:
            self._under_way.append((now, sequence))

    def heard(self, now: float) -> None:
        """The client has spoken, so its line has held until now."""
        while self._under_way and self._under_way[0][0] <= now - ARRIVAL_SECONDS:
            self.arrived(self._under_way.popleft()[1])

    def arrived(self, sequence: int) -> None:
        """The client has everything up to a message."""
        self.delivered = max(self.delivered, sequence)

    def ended(self, *, in_order: bool) -> None:
        """The line has ended; one that ended in order has delivered everything."""
        if in_order and self._under_way:
            self.arrived(self._under_way[-1][1])
        self._under_way.clear()
