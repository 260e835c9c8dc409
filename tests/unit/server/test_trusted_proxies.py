from ipaddress import IPv4Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.server.settings import SettingsError, load
from vivavoce.server.trusted_proxies import TrustedProxies


@pytest.mark.parametrize(
    ("trusted", "peer", "expected"),
    [
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("10.0.0.0/8", "10.200.3.4", True),
        ("10.0.0.0/8", "11.0.0.1", False),
        ("10.0.0.0/8", "::ffff:10.1.2.3", True),
        ("::ffff:10.0.0.0/104", "10.1.2.3", True),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("fd00::/8", "fd12::1", True),
        ("fd00::/8", "FD12:0::0001", True),
        ("fe80::/10", "fe80::1%eth0", True),
        ("::/0", "10.0.0.1", False),
        ("127.0.0.1, 192.168.0.0/16", "192.168.9.9", True),
        ("*", "203.0.113.9", True),
        ("*", None, True),
        ("10.0.0.0/8", None, False),
        ("10.0.0.0/8", "testclient", False),
        ("", "127.0.0.1", False),
    ],
)
def test_addresses_and_networks_are_matched_in_every_spelling(
    trusted: str,
    peer: str | None,
    expected: bool,  # noqa: FBT001  a column of the table
) -> None:
    assert TrustedProxies.parse(trusted).trusts(peer) is expected


@given(st.ip_addresses(v=4), st.integers(0, 32))
def test_an_address_is_in_each_of_its_own_networks(address: IPv4Address, prefix: int) -> None:
    network = ip_network((str(address), prefix), strict=False)
    trusted = TrustedProxies.parse(str(network))
    assert trusted.trusts(str(address))
    assert trusted.trusts(f"::ffff:{address}")


@pytest.mark.parametrize(
    "wrong", ["localhost", "10.0.0.1/8", "10.0.0.0/33", "nginx", "1.2.3", "*x"]
)
def test_what_is_neither_address_nor_network_refuses_the_start(wrong: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        load(None, {"trusted_proxies": f"127.0.0.1,{wrong}"})
    assert "trusted_proxies" in str(refusal.value)
    assert repr(wrong) in str(refusal.value)
