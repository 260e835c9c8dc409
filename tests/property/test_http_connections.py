"""Whatever connections do, no bound is passed, no count is wrong, and none at work gives way."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from vivavoce.server.http.connections import (
    ConnectionBounds,
    Connections,
    ConnectionSlot,
    Refusal,
)

TOTAL, PER_ADDRESS = 4, 2
addresses = st.sampled_from(["203.0.113.1", "203.0.113.2", "203.0.113.3", "exempt"])


class House(RuleBasedStateMachine):
    """The connections, and a plain account of them beside."""

    slots = Bundle("slots")

    def __init__(self) -> None:
        super().__init__()
        bounds = ConnectionBounds(TOTAL, PER_ADDRESS, lambda address: address == "exempt")
        self.reported: list[str] = []
        self.connections = Connections(bounds, self.reported.append)
        self.there: dict[int, str] = {}
        self.idle: list[int] = []
        self.numbers: dict[ConnectionSlot, int] = {}

    @rule(target=slots, address=addresses)
    def open(self, address: str) -> ConnectionSlot | None:
        """A client connects."""
        number = len(self.numbers)
        mine = sum(other == address for other in self.there.values())
        slot = self.connections.open(address, lambda: self._cut(number))
        if address != "exempt" and mine >= PER_ADDRESS:
            assert slot is Refusal.ADDRESS
        elif len(self.there) >= TOTAL:
            assert slot is Refusal.FULL
        else:
            assert isinstance(slot, ConnectionSlot)
            self.there[number] = address
            self.idle.append(number)
            self.numbers[slot] = number
            return slot
        return None

    def _cut(self, number: int) -> None:
        assert self.idle.pop(0) == number, "the one that waited longest"
        del self.there[number]

    @rule(slot=slots, busy=st.booleans())
    def work(self, slot: ConnectionSlot | None, *, busy: bool) -> None:
        """A request begins, or is over."""
        if slot is None:
            return
        (slot.busy if busy else slot.idle)()
        number = self.numbers[slot]
        if number in self.idle:
            self.idle.remove(number)
        if number in self.there and not busy:
            self.idle.append(number)

    @rule(slot=consumes(slots))
    def close(self, slot: ConnectionSlot | None) -> None:
        """A connection is lost."""
        if slot is None:
            return
        slot.release()
        number = self.numbers[slot]
        self.there.pop(number, None)
        if number in self.idle:
            self.idle.remove(number)

    @invariant()
    def counts(self) -> None:
        """As the account has it."""
        assert len(self.connections) == len(self.there) <= TOTAL
        assert [self.numbers[slot] for slot in self.connections.waiting] == self.idle


TestConnections = House.TestCase
TestConnections.settings = settings(deadline=None)
