from collections.abc import MutableMapping
from typing import Any

import pytest

from vivavoce.server.forwarded import forwarded
from vivavoce.server.trusted_proxies import TrustedProxies

TRUSTED = TrustedProxies.parse("10.0.0.0/8, fd00::/8")


def scope(peer: str, kind: str = "http", **headers: str) -> dict[str, Any]:
    names = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {
        "type": kind,
        "scheme": "ws" if kind == "websocket" else "http",
        "client": (peer, 4711),
        "headers": [(b"host", b"inner:8300"), *names],
    }


def host(result: MutableMapping[str, Any]) -> bytes:
    [value] = [value for name, value in result["headers"] if name == b"host"]
    return bytes(value)


@pytest.mark.parametrize("peer", ["10.1.2.3", "::ffff:10.1.2.3", "fd00::7"])
def test_a_network_of_proxies_is_trusted_for_host_scheme_and_address_alike(peer: str) -> None:
    """Host was matched as text: clients got ``wss://`` and the inner address."""
    asked = scope(
        peer,
        "websocket",
        x_forwarded_host="speech.example.org, other",
        x_forwarded_proto="https",
        x_forwarded_for="198.51.100.7, 10.9.9.9",
    )
    result = forwarded(asked, TRUSTED)
    assert (host(result), result["scheme"]) == (b"speech.example.org", "wss")
    assert result["client"][0] == "198.51.100.7"


def test_from_any_other_peer_nothing_is_believed() -> None:
    asked = scope(
        "192.0.2.1", x_forwarded_host="evil", x_forwarded_proto="https", x_forwarded_for="127.0.0.1"
    )
    assert forwarded(asked, TRUSTED) == asked


@pytest.mark.parametrize(
    ("hops", "client"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("198.51.100.7:5000", "198.51.100.7"),
        ("[2001:db8::1]:5000", "2001:db8::1"),
        ("127.0.0.1, 198.51.100.7", "198.51.100.7"),  # the client wrote the first itself
        ("198.51.100.7, 10.0.0.4, 10.0.0.5", "198.51.100.7"),
        ("198.51.100.7, unknown, 10.0.0.5", "10.0.0.5"),
        ("10.0.0.4, 10.0.0.5", "10.0.0.4"),
        ("unknown", "10.1.2.3"),
        (",,", "10.1.2.3"),
    ],
)
def test_the_client_is_the_nearest_hop_that_is_no_proxy(hops: str, client: str) -> None:
    assert forwarded(scope("10.1.2.3", x_forwarded_for=hops), TRUSTED)["client"][0] == client


def test_a_scheme_that_is_none_is_left_alone() -> None:
    assert forwarded(scope("10.1.2.3", x_forwarded_proto="gopher"), TRUSTED)["scheme"] == "http"
