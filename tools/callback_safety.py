"""The page on where deliveries may go, made from what the code refuses."""

import json
import tomllib
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from markdown_schema import table

from vivavoce.delivery.addresses import (
    NOT_PUBLIC_V4,
    NOT_PUBLIC_V6,
    PUBLIC_V6,
    TRANSLATED,
    Reach,
    parsed,
)
from vivavoce.delivery.connecting import MAX_ADDRESSES
from vivavoce.delivery.retry_after import MAX_SECONDS
from vivavoce.delivery.safe_http import Bounds
from vivavoce.delivery.targets import MAX_HOST, MAX_URL, PRIVATE_NAMES, RefusedTargetError, target

TABLES = Path(__file__).parent.parent / "tests"
MAX_SHOWN = 60

CHANGES = (
    ("a public address when the URL is received, a private one at delivery", "refused"),
    ("a public address for one delivery, a private one for the next", "sent, then refused"),
    ("a public address for the check, a private one for the connection", "one look-up serves both"),
)
"""Each is a test of `tests/integration/test_callback_safety.py`."""


def callback_safety() -> Iterable[str]:
    """Rules, limits, and every hostile URL and DNS answer of the tests with its result."""
    yield (
        "The holder of an API key chooses where callbacks and webhooks go. This page lists the "
        "rules and limits that keep their requests out of the server's own network. To allow one "
        "of your networks, and to verify deliveries, see "
        "[Receive callbacks](../how-to/callbacks.md)."
    )
    yield from _rules()
    yield "## Limits\n\n" + table(("value", "limit"), _limits(Bounds()))
    yield from _networks()
    yield from _urls()
    yield from _answers()


def _rules() -> Iterable[str]:
    yield "## Rules"
    yield (
        "1. The server parses a URL strictly when it receives it, and again before every "
        "delivery. It refuses a URL that programs could interpret in two ways. It builds the "
        "request from the checked parts.\n"
        "2. The server looks a host name up once for each connection. Every address in the answer "
        "must be public or in a network of `callback_networks`; if one address is not, the server "
        "refuses the host. It connects to one of the checked addresses, so a later change of the "
        "answer has no effect. TLS and the `Host` header use the host name.\n"
        "3. The server does not follow redirects, use proxies of the environment, keep cookies or "
        "decompress responses.\n"
        "4. The server verifies certificates against the root certificates of the system and of "
        "certifi.\n"
        "5. The server keeps only the status and `Retry-After` of a response. Failure reasons "
        "contain no address."
    )


def _limits(bounds: Bounds) -> Iterable[tuple[str, str]]:
    return (
        ("URL", f"{MAX_URL} characters"),
        ("host name", f"{MAX_HOST} characters"),
        ("ports", "80 and 443, or those in `callback_ports` (an empty list allows all)"),
        ("addresses of a host that are tried", str(MAX_ADDRESSES)),
        ("name look-up; TCP connection; TLS handshake", f"{bounds.connect:g} s each"),
        ("time to receive the response headers, since the start", f"{bounds.total:g} s"),
        ("size of the response headers", "100 KiB"),
        (
            "response body, which is discarded",
            f"{bounds.body // 1024} KiB or {bounds.rest:g} s, then the connection is closed",
        ),
        ("`Retry-After`", f"{MAX_SECONDS / 3600:g} h; longer values are reduced to this"),
        ("concurrent connections", str(bounds.connections)),
        ("idle connections", f"{bounds.kept}, for {bounds.idle:g} s"),
    )


def _networks() -> Iterable[str]:
    yield "## Addresses that are not public"
    yield (
        f"IPv4: {_listed(NOT_PUBLIC_V4)}. IPv6: all addresses outside `{PUBLIC_V6}`, the networks "
        f"{_listed(NOT_PUBLIC_V6)}, and ISATAP addresses. An IPv4 address embedded in an IPv6 "
        f"address (`::ffff:0:0/96`, `{TRANSLATED}`) is checked as an IPv4 address."
    )
    yield (
        "If `callback_networks` is empty, the server also refuses host names without a dot, and "
        f"host names that are or end in {', '.join(f'`{name}`' for name in sorted(PRIVATE_NAMES))}."
    )


def _listed(networks: Iterable[IPv4Network | IPv6Network]) -> str:
    return ", ".join(f"`{network}`" for network in networks)


def _urls() -> Iterable[str]:
    tricks: list[dict[str, Any]] = _read("hostile_urls.toml")["trick"]
    count = sum(len(trick["urls"]) for trick in tricks)
    yield f"## {count} URLs that are refused"
    yield (
        "The server refuses each of these URLs when it receives it, and again before a delivery. "
        "Without these checks of the URL, the check of the connection still refuses each host. "
        "The tests are `tests/unit/delivery/test_targets.py` and "
        "`tests/integration/test_callback_safety.py`."
    )
    for trick in tricks:
        yield f"### {trick['title']}"
        yield table(("URL", "unmet requirement"), ((shown(u), _reason(u)) for u in trick["urls"]))


def _reason(url: str) -> str:
    try:
        return f"**passes** to {target(url, Reach())}"
    except RefusedTargetError as refusal:
        return str(refusal)


def _answers() -> Iterable[str]:
    yield "## DNS answers"
    yield "For a host with a public name, at connection time:"
    rows = (
        (answer["title"], ", ".join(map(shown, answer["addresses"])), _verdict(answer["addresses"]))
        for answer in _read("hostile_answers.toml")["answer"]
    )
    yield table(("answer", "addresses", "result"), rows)
    yield table(("change", "result"), CHANGES)


def _verdict(addresses: Iterable[str]) -> str:
    found = map(parsed, addresses)
    reached = all(one is not None and Reach().permits(one) for one in found)
    return "**passes**" if reached else "refused"


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((TABLES / name).read_text(encoding="utf-8"))


def shown(text: str) -> str:
    """A text in which nothing is invisible, as code; a long one shortened."""
    escaped = "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in text)
    if len(escaped) > MAX_SHOWN:
        escaped = f"{escaped[:MAX_SHOWN]}… ({len(text)} characters)"
    return f"` {escaped} `" if escaped.startswith(" ") else f"`{escaped}`" if escaped else "(empty)"
