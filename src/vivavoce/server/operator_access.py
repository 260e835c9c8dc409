"""Access control for operator data: local processes and holders of a key may read it."""

from collections.abc import Iterable
from dataclasses import dataclass

from starlette.requests import Request

from vivavoce.server.addresses import is_loopback
from vivavoce.server.keys import KeyRing
from vivavoce.server.settings import Settings

FORWARDING = frozenset({
    *("forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip"),
    *("true-client-ip", "cf-connecting-ip", "fly-client-ip", "x-original-host"),
})  # fmt: skip
"""Headers that proxies add, in addition to every ``X-Forwarded-*``."""


@dataclass(frozen=True, slots=True)
class OperatorAccess:
    """Decides which requests may read metrics and the details of readiness.

    Attributes:
        keys: keys, each of which grants access.
        open_to_all: whether the operator has made both public.
        behind_proxy: whether requests may come through a proxy, so that a loopback address
            proves nothing.
    """

    keys: KeyRing
    open_to_all: bool
    behind_proxy: bool

    @classmethod
    def of(cls, settings: Settings, keys: KeyRing) -> "OperatorAccess":
        """Create it from the settings."""
        behind_proxy = bool(settings.public_url or settings.trusted_proxies)
        return cls(keys, settings.open_metrics, behind_proxy)

    def allows(self, request: Request) -> bool:
        """Return whether a request may read operator data."""
        if self.open_to_all or self._has_key(request):
            return True
        return not self.behind_proxy and is_local(request)

    def has_wrong_key(self, request: Request) -> bool:
        """Return whether a request presents an unknown key."""
        return bool(request.headers.get("x-gladia-key")) and not self._has_key(request)

    def _has_key(self, request: Request) -> bool:
        return self.keys.owner(request.headers.get("x-gladia-key", "")) is not None


def is_local(request: Request) -> bool:
    """Return whether a request comes directly from a process of this machine.

    ``Host`` must name loopback: otherwise a web page could use DNS rebinding to 127.0.0.1.
    """
    client = request.client
    if client is None or not is_loopback(client.host):
        return False
    hosts = request.headers.getlist("host")
    named_loopback = bool(hosts) and all(is_loopback(_name(host)) for host in hosts)
    return named_loopback and not is_forwarded(request.headers.keys())


def is_forwarded(names: Iterable[str]) -> bool:
    """Return whether a proxy has forwarded a request, by the names of its headers."""
    lowered = [name.lower() for name in names]
    return any(name in FORWARDING or name.startswith("x-forwarded-") for name in lowered)


def _name(host: str) -> str:
    """Return a ``Host`` header without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if ":" in host else host
