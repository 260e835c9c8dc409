"""Who may read what is meant for the operator: processes of this machine, or holders of a key."""

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
"""Headers that proxies add, besides every ``X-Forwarded-*``."""


@dataclass(frozen=True, slots=True)
class OperatorAccess:
    """Decides which requests see metrics and the details of readiness.

    Attributes:
        keys: any of them opens.
        open_to_all: the operator has opened both.
        behind_proxy: requests may come through a proxy, so that loopback proves nothing.
    """

    keys: KeyRing
    open_to_all: bool
    behind_proxy: bool

    @classmethod
    def of(cls, settings: Settings, keys: KeyRing) -> "OperatorAccess":
        """As the settings have it."""
        behind_proxy = bool(settings.public_url or settings.trusted_proxies)
        return cls(keys, settings.open_metrics, behind_proxy)

    def allows(self, request: Request) -> bool:
        """Whether a request may see them."""
        if self.open_to_all or self._has_key(request):
            return True
        return not self.behind_proxy and is_local(request)

    def has_wrong_key(self, request: Request) -> bool:
        """Whether a request has a key that opens nothing."""
        return bool(request.headers.get("x-gladia-key")) and not self._has_key(request)

    def _has_key(self, request: Request) -> bool:
        return self.keys.owner(request.headers.get("x-gladia-key", "")) is not None


def is_local(request: Request) -> bool:
    """Whether a process of this machine asks for itself.

    ``Host`` must name loopback, else a web page whose name was rebound to 127.0.0.1 could ask.
    """
    client = request.client
    if client is None or not is_loopback(client.host):
        return False
    hosts = request.headers.getlist("host")
    named_loopback = bool(hosts) and all(is_loopback(_name(host)) for host in hosts)
    return named_loopback and not is_forwarded(request.headers.keys())


def is_forwarded(names: Iterable[str]) -> bool:
    """Whether a proxy has passed a request on, by the names of its headers."""
    lowered = [name.lower() for name in names]
    return any(name in FORWARDING or name.startswith("x-forwarded-") for name in lowered)


def _name(host: str) -> str:
    """A ``Host`` header without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if ":" in host else host
