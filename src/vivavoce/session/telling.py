"""Delivery position of a client's messages: certainly received, and possibly lost. No I/O."""


class Telling:
    """Tracks the messages sent to a client by their sequence numbers in the journal.

    A message handed to a socket may never arrive: a proxy may hold it back, or the connection may
    fail in one direction while the client continues to send. Only the response to a later frame (a
    pong, or the client's close frame) proves delivery. When a connection breaks, unproven messages
    are resent: a duplicate is better than a loss.

    Attributes:
        delivered: number of the last message that the client has certainly received.
        handed: number of the last message that was handed to its connection.
    """

    def __init__(self) -> None:
        self.delivered = 0
        self.handed = 0

    def sent(self, sequence: int) -> None:
        """Record that a message was handed to the socket; 0 is a message that is not journaled."""
        self.handed = max(self.handed, sequence)

    def arrived(self, sequence: int) -> None:
        """Record that the client has received everything up to a message."""
        self.delivered = max(self.delivered, sequence)
        self.handed = max(self.handed, sequence)

    def ended(self, *, in_order: bool) -> None:
        """Record the end of the connection; ``in_order`` means that it has delivered everything."""
        if in_order:
            self.arrived(self.handed)
        self.handed = self.delivered
