"""What the connections of the endpoint share with each other, and with the server."""

from dataclasses import dataclass, field
from typing import Protocol

from vivavoce.server.websocket.partial_messages import PartialMessages
from vivavoce.server.websocket.refusal_log import RefusalLog


class ConnectionSlot(Protocol):
    """A place among the connections of the server."""

    def release(self) -> None:
        """Give the place back."""


class Abandonable(Protocol):
    """A connection that may be given up."""

    def give_up(self, reason: str) -> None:
        """Close it; its client may come back."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What all connections share.

    Attributes:
        partials: the account of incomplete messages.
        refusals: the log of refused handshakes.
    """

    partials: PartialMessages[Abandonable] = field(default_factory=PartialMessages)
    refusals: RefusalLog = field(default_factory=RefusalLog)
