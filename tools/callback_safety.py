"""The page on where deliveries may go: what the code refuses, shown by asking it."""

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
    ("a public address when the URL is given, a private one when delivering", "refused"),
    ("a public address for one delivery, a private one for the next", "sent, then refused"),
    ("a public address for the check, a private one to connect to", "one look-up for both"),
)
"""Each is a test of `tests/integration/test_callback_safety.py`."""


def callback_safety() -> Iterable[str]:
    """Rules, limits, and every trick of the tests with what becomes of it."""
    yield (
        "Callbacks and webhooks go where somebody with a key says. This is what keeps that from "
        "reaching the server's own network. How to allow a network of yours, and how to verify "
        "what arrives: [Receive callbacks](../how-to/callbacks.md)."
    )
    yield from _rules()
    yield "## Limits\n\n" + table(("of", "limit"), _limits(Bounds()))
    yield from _networks()
    yield from _urls()
    yield from _answers()


def _rules() -> Iterable[str]:
    yield "## Rules"
    yield (
        "1. A URL is read strictly when it is given and again whenever something is delivered. "
        "What programs could read in two ways is refused. The request is put together from the "
        "checked parts.\n"
        "2. A host name is looked up once for each connection. Every address of the answer must "
        "be public, or in a network of the operator's; one that is not is enough to refuse. The "
        "connection goes to one of those addresses, so an answer that changes later does not "
        "matter. TLS and `Host` name the host.\n"
        "3. No redirect is followed. No proxy of the environment is used. No cookie is kept. "
        "Nothing is unpacked.\n"
        "4. Certificates are verified, with the roots of the system and of certifi.\n"
        "5. Of an answer only the status and `Retry-After` are kept. Reasons name no address."
    )


def _limits(bounds: Bounds) -> Iterable[tuple[str, str]]:
    return (
        ("URL", f"{MAX_URL} characters"),
        ("host name", f"{MAX_HOST} characters"),
        ("ports", "80 and 443, unless `callback_ports` says otherwise"),
        ("addresses of a host that are tried", str(MAX_ADDRESSES)),
        ("look-up and TCP connection; TLS", f"{bounds.connect:g} s each"),
        ("head of the answer, since the start", f"{bounds.total:g} s"),
        ("head of the answer", "100 KiB"),
        (
            "body of the answer, which is dropped",
            f"{bounds.body // 1024} KiB or {bounds.rest:g} s, then the connection is closed",
        ),
        ("`Retry-After`", f"{MAX_SECONDS / 3600:g} h; a longer one counts as this"),
        ("connections at a time", str(bounds.connections)),
        ("idle connections", f"{bounds.kept}, for {bounds.idle:g} s"),
    )


def _networks() -> Iterable[str]:
    yield "## Addresses that are not public"
    yield (
        f"IPv4: {_listed(NOT_PUBLIC_V4)}. IPv6: all outside `{PUBLIC_V6}`, and "
        f"{_listed(NOT_PUBLIC_V6)}, and ISATAP. An IPv4 address inside an IPv6 one "
        f"(`::ffff:0:0/96`, `{TRANSLATED}`) counts as itself."
    )
    yield (
        "Names that are refused while no network is allowed: those without a dot, and those that "
        f"are or end in {', '.join(f'`{name}`' for name in sorted(PRIVATE_NAMES))}."
    )


def _listed(networks: Iterable[IPv4Network | IPv6Network]) -> str:
    return ", ".join(f"`{network}`" for network in networks)


def _urls() -> Iterable[str]:
    tricks: list[dict[str, Any]] = _read("hostile_urls.toml")["trick"]
    count = sum(len(trick["urls"]) for trick in tricks)
    yield f"## {count} URLs that are refused"
    yield (
        "Each is refused when it is given, and again when something would be delivered to it. "
        "Its host is refused a third time, with the URL's checks left out, by the connection: "
        "`tests/unit/delivery/test_targets.py`, `tests/integration/test_callback_safety.py`."
    )
    for trick in tricks:
        yield f"### {trick['title']}"
        yield table(("URL", "refused because it"), ((shown(u), _reason(u)) for u in trick["urls"]))


def _reason(url: str) -> str:
    try:
        return f"**passes** to {target(url, Reach())}"
    except RefusedTargetError as refusal:
        return str(refusal)


def _answers() -> Iterable[str]:
    yield "## Answers of name servers"
    yield "For a host with a public name, at the moment of connecting:"
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
    return f"` {escaped} `" if escaped.startswith(" ") else f"`{escaped}`" if escaped else "nothing"
