from typing import Any

import pytest
from starlette.requests import Request

from vivavoce.server.keys import KeyRing, digest
from vivavoce.server.operator_access import OperatorAccess
from vivavoce.server.settings import Settings

KEYS = KeyRing({digest("the key"): "default"})


def allowed(
    peer: str = "127.0.0.1",
    host: str | None = "127.0.0.1:8300",
    settings: dict[str, Any] | None = None,
    **headers: str,
) -> bool:
    names = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    named = [] if host is None else [(b"host", host.encode())]
    request = Request({"type": "http", "client": (peer, 1), "headers": [*named, *names]})
    return OperatorAccess.of(Settings(**(settings or {})), KEYS).allows(request)


@pytest.mark.parametrize("host", ["127.0.0.1:8300", "localhost", "localhost:8300", "[::1]:8300"])
@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_a_process_of_this_machine_is_allowed(peer: str, host: str) -> None:
    assert allowed(peer, host)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8300", "10.0.0.5", "localhost.evil.example", "", None]
)
def test_a_host_that_is_not_loopback_is_refused(host: str | None) -> None:
    """A web page whose name is rebound to 127.0.0.1 asks under its own name."""
    assert not allowed(host=host)


@pytest.mark.parametrize(
    "name",
    [
        *("x_forwarded_for", "x_forwarded_host", "x_forwarded_proto", "x_forwarded_port"),
        *("x_forwarded_anything", "forwarded", "x_real_ip", "via", "cf_connecting_ip"),
    ],
)
def test_any_forwarding_header_is_refused(name: str) -> None:
    headers: dict[str, Any] = {name: "127.0.0.1"}
    assert not allowed(**headers)


@pytest.mark.parametrize(
    "settings", [{"public_url": "https://speech.example.org"}, {"trusted_proxies": "10.0.0.0/8"}]
)
def test_behind_a_proxy_loopback_proves_nothing(settings: dict[str, Any]) -> None:
    assert not allowed(settings=settings)
    assert allowed(settings=settings, x_gladia_key="the key")
    assert allowed(settings={**settings, "open_metrics": True})


def test_other_machines_need_a_key() -> None:
    assert not allowed("192.0.2.1")
    assert not allowed("192.0.2.1", x_gladia_key="another key")
    assert allowed("192.0.2.1", "10.0.0.5:8300", x_gladia_key="the key")
