"""Which connections are taken, which are refused, and which give way."""

import pytest

from vivavoce.server.addresses import is_loopback
from vivavoce.server.http.connections import (
    ConnectionBounds,
    Connections,
    ConnectionSlot,
    Refusal,
    site_of,
)
from vivavoce.server.trusted_proxies import TrustedProxies

STRANGER = "203.0.113.7"
HERE = "127.0.0.1"


def exempt(address: str) -> bool:
    """As a server has it: this machine, and proxies of one network."""
    return is_loopback(address) or TrustedProxies.parse("192.0.2.0/24").trusts(address)


def cut_nothing() -> None:
    """Is not called: the connection is refused."""


class House:
    """Connections with their reports, and who was cut."""

    def __init__(self, total: int = 5, per_address: int = 3) -> None:
        self.reported: list[str] = []
        self.cut: list[str] = []
        bounds = ConnectionBounds(total, per_address, exempt)
        self.connections = Connections(bounds, self.reported.append)

    def opened(self, name: str, address: str = HERE) -> ConnectionSlot:
        slot = self.connections.open(address, lambda: self.cut.append(name))
        assert isinstance(slot, ConnectionSlot)
        return slot


def test_connections_are_counted_until_they_are_released() -> None:
    house = House()
    first, _second = house.opened("first"), house.opened("second")
    assert len(house.connections) == 2
    first.release()
    first.release()
    assert len(house.connections) == 1


def test_an_address_has_a_bound_of_its_own() -> None:
    house = House()
    slots = [house.opened("stranger", STRANGER) for _ in range(3)]
    assert house.connections.open(STRANGER, cut_nothing) is Refusal.ADDRESS
    assert house.reported == ["address"]
    house.opened("another", "203.0.113.8")
    slots[0].release()
    house.opened("stranger", STRANGER)


@pytest.mark.parametrize("address", [HERE, "::1", "::ffff:127.0.0.1", "192.0.2.9"])
def test_this_machine_and_trusted_proxies_have_none(address: str) -> None:
    house = House()
    for _ in range(5):
        house.opened("many", address)


def test_where_all_are_taken_the_one_that_waited_longest_gives_way() -> None:
    house = House()
    slots = [house.opened(f"{number}") for number in range(5)]
    slots[0].busy()
    slots[2].busy()
    slots[2].idle()
    for _ in range(4):
        house.opened("new")
    assert house.cut == ["1", "3", "4", "2"]
    assert house.reported == ["gave_way"] * 4
    assert len(house.connections) == 5


def test_where_none_waits_a_new_one_is_refused() -> None:
    house = House()
    slots = [house.opened("busy") for _ in range(5)]
    for slot in slots:
        slot.busy()
    assert house.connections.open(HERE, cut_nothing) is Refusal.FULL
    assert (house.cut, house.reported) == ([], ["full"])


def test_a_stranger_over_its_own_bound_makes_nobody_give_way() -> None:
    house = House(total=3)
    for _ in range(3):
        house.opened("stranger", STRANGER)
    assert house.connections.open(STRANGER, cut_nothing) is Refusal.ADDRESS
    assert house.cut == []


def test_a_slot_released_while_busy_leaves_nothing_behind() -> None:
    house = House()
    slot = house.opened("a", STRANGER)
    slot.busy()
    slot.release()
    slot.idle()
    assert len(house.connections) == 0
    assert not house.connections.waiting


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("", ""),
        ("/run/socket", "/run/socket"),
    ],
)
def test_a_site_is_an_address_or_the_network_it_has_to_itself(address: str, site: str) -> None:
    assert site_of(address) == site
