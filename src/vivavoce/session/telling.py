"""Which messages a client has for certain, and which a broken line may have swallowed. No I/O."""


class Telling:
    """Follows what is sent to a client; numbers are those of the journal.

    What was handed to a socket may never arrive, however long ago: a proxy may sit on it, or the
    line be deaf one way while the client goes on speaking. Only an answer to something that was
    sent later (a pong, or the answer to a close) is proof. What is not proved when a line breaks
    is told again: better twice than never.

    Attributes:
        delivered: number of the last message that the client has for certain.
        handed: number of the last message that was handed to its line.
    """

    def __init__(self) -> None:
        self.delivered = 0
        self.handed = 0

    def sent(self, sequence: int) -> None:
        """A message was handed to the socket; 0 is one that is not journaled."""
        self.handed = max(self.handed, sequence)

    def arrived(self, sequence: int) -> None:
        """The client has everything up to a message."""
        self.delivered = max(self.delivered, sequence)
        self.handed = max(self.handed, sequence)

    def ended(self, *, in_order: bool) -> None:
        """The line has ended; one that ended in order has delivered everything."""
        if in_order:
            self.arrived(self.handed)
        self.handed = self.delivered
