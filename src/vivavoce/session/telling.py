"""Which messages a client has for certain, and which a broken line may have swallowed. No I/O."""


class Telling:
    """Follows what is sent to a client; numbers are those of the journal.

    What was sent is not counted as delivered before the client has confirmed it, so that it is
    told again when it is back: better twice than never.

    Attributes:
        delivered: number of the last message that the client has for certain.
    """

    def __init__(self) -> None:
        self.delivered = 0
        self._sent = 0

    @property
    def unconfirmed(self) -> int:
        """Number of the last message that was sent and not confirmed, or 0."""
        return self._sent if self._sent > self.delivered else 0

    def sent(self, sequence: int) -> None:
        """A message was handed to the socket; 0 is one that is not journaled."""
        self._sent = max(self._sent, sequence)

    def arrived(self, sequence: int) -> None:
        """The client has everything up to a message."""
        self.delivered = max(self.delivered, sequence)

    def ended(self, *, in_order: bool) -> None:
        """The line has ended; one that ended in order has delivered everything."""
        if in_order:
            self.arrived(self._sent)
        self._sent = 0
