"""State that all connections of the endpoint share."""

from dataclasses import dataclass, field
from typing import Protocol

from vivavoce.server.websocket.partial_messages import PartialMessages
from vivavoce.server.websocket.refusal_log import RefusalLog


class ConnectionSlot(Protocol):
    """A slot among the server's connections."""

    def release(self) -> None:
        """Release the slot."""


class Abandonable(Protocol):
    """A connection that the server may close to free memory."""

    def give_up(self, reason: str) -> None:
        """Close it; its client may reconnect."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """State that all connections share.

    Attributes:
        partials: the sizes of incomplete messages.
        refusals: the log of refused handshakes.
    """

    partials: PartialMessages[Abandonable] = field(default_factory=PartialMessages)
    refusals: RefusalLog = field(default_factory=RefusalLog)
