from ipaddress import IPv4Address, ip_address

import pytest

from vivavoce.delivery.addresses import (
    NOT_PUBLIC_V4,
    NOT_PUBLIC_V6,
    Network,
    Reach,
    carried,
    parsed,
    public,
)


@pytest.mark.parametrize("network", [*NOT_PUBLIC_V4, *NOT_PUBLIC_V6], ids=str)
def test_the_whole_of_a_listed_network_is_refused(network: Network) -> None:
    first, last = network.network_address, network.broadcast_address
    middle = first + network.num_addresses // 2
    assert not any(map(public, (first, middle, last)))


@pytest.mark.parametrize(
    "text",
    [
        *("1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0"),
        *("126.255.255.255", "128.0.0.0", "168.63.129.15", "168.63.129.17", "172.15.255.255"),
        *("172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0", "223.255.255.255"),
        *("2001:4860:4860::8888", "2606:4700::1111", "2a00:1450:4001:81b::200e", "2001:200::1"),
    ],
)
def test_neighbours_of_listed_networks_are_public(text: str) -> None:
    assert public(ip_address(text))


@pytest.mark.parametrize(
    ("form", "meant"),
    [
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("64:ff9b::10.0.0.1", "10.0.0.1"),
        ("64:ff9b::8.8.8.8", "8.8.8.8"),
        ("10.0.0.1", "10.0.0.1"),
    ],
)
def test_other_forms_of_an_ipv4_address_stand_for_it(form: str, meant: str) -> None:
    assert carried(ip_address(form)) == IPv4Address(meant)
    assert Reach().permits(ip_address(form)) is public(IPv4Address(meant))


def test_no_address_has_a_scope_id() -> None:
    assert parsed("fe80::1%eth0") is None
    assert parsed("::1") == ip_address("::1")
    assert parsed("localhost") is None
