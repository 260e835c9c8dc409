"""Whatever URL is given: it is refused, or every program reads it as we do and it is in reach."""

import socket
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

import httpx
import urllib3
from hypothesis import example, given, settings
from hypothesis import strategies as st
from werkzeug.urls import iri_to_uri

from vivavoce.delivery.addresses import Address, Reach
from vivavoce.delivery.retry_after import MAX_SECONDS, retry_after
from vivavoce.delivery.targets import RefusedTargetError, Target, target

EVERY_PORT = range(1, 65536)
PUBLIC = Reach(ports=EVERY_PORT)
PIECES = st.sampled_from([
    *("http://", "https://", "HTTP://", "//", ":/", "ftp://", "@", ":", "/", "\\", "?", "#", "%"),
    *(".", "..", "[", "]", "::1", "[::1]", "[::ffff:127.0.0.1]", "127.0.0.1", "127.1", "0x7f.1"),
    *("localhost", "example.com", "xn--bcher-kva", "bücher.example", "\u3002", "\uff0e", "\uff11"),
    *("%2e", "%00", "%25", "%40", ":80", ":443", ":0", ":99999", "\t", "\n", "\r", " ", "\x00"),
    *("a", "user", "-", "_", "\u00ad", "\u200b", "\u2100", "\uff20", "\uff0f", "\u017f", "K"),
    *("10.0.0.1", "2130706433", "0", "8.8.8.8", "[2a00:1450::1]", "&", ";", ",", "$", "!", "*"),
])  # fmt: skip
URLS = st.one_of(
    st.text(max_size=80),
    st.lists(PIECES, max_size=10).map("".join),
    st.lists(PIECES, max_size=8).map(lambda pieces: "http://" + "".join(pieces)),
    st.lists(PIECES, max_size=6).map(lambda pieces: f"https://example.com{''.join(pieces)}/x"),
)
ADDRESSES = st.one_of(
    st.ip_addresses(),
    st.ip_addresses(v=4),
    st.integers(0, 2**32 - 1).map(IPv6Address),
    st.integers(0, 2**32 - 1).map(lambda low: IPv6Address((0xFFFF << 32) + low)),
    st.integers(0, 2**32 - 1).map(lambda low: IPv6Address((0x64FF9B << 96) + low)),
)


def read(url: str, reach: Reach = PUBLIC) -> Target | None:
    """What a URL means, if it is not refused; nothing else can happen."""
    try:
        return target(url, reach)
    except RefusedTargetError:
        return None


def bracketed(address: Address) -> str:
    """An address as a URL has it."""
    return f"[{address}]" if isinstance(address, IPv6Address) else str(address)


@given(URLS)
@settings(max_examples=500)
def test_a_url_is_read_or_refused_and_reading_it_again_changes_nothing(url: str) -> None:
    found = read(url)
    if found is not None:
        assert read(f"{found.scheme}://{found.authority}{found.path}") == found


@given(URLS)
@settings(max_examples=500)
@example("http://example.com:80/?a@b:c")
@example("https://bücher.example/x")
def test_other_programs_find_the_same_host_and_port_in_what_is_not_refused(url: str) -> None:
    found = read(url)
    if found is None:
        return
    ascii_url = iri_to_uri(url)
    split, pooled = urlsplit(ascii_url), urllib3.util.parse_url(ascii_url)
    with suppress(httpx.InvalidURL):  # it knows less of international names
        other = httpx.URL(url)
        assert (other.scheme, other.raw_host.decode()) == (found.scheme, found.host)
        assert (other.port or found.port) == found.port
    assert (split.scheme, pooled.scheme) == (found.scheme, found.scheme)
    assert (split.port or found.port, pooled.port or found.port) == (found.port, found.port)
    for host in (split.hostname, (pooled.host or "").strip("[]")):
        assert host is not None
        assert same(host, found)


def meant(address: Address) -> Address:
    """The host behind an address that is only another form of an IPv4 address."""
    if isinstance(address, IPv4Address):
        return address
    if address in ip_network("64:ff9b::/96"):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address


def same(host: str, found: Target) -> bool:
    """Whether another program's host is ours, written otherwise perhaps."""
    if found.address is not None:
        return ip_address(host) == found.address
    return host.lower() == found.host or host.encode("idna").decode() == found.host


@given(URLS)
@settings(max_examples=500)
def test_a_host_that_is_not_refused_is_no_other_form_of_an_address(url: str) -> None:
    found = read(url)
    if found is None:
        return
    try:
        places = socket.getaddrinfo(found.host, None, flags=socket.AI_NUMERICHOST)
    except OSError:
        assert found.address is None
        return
    assert {ip_address(place[4][0]) for place in places} == {found.address}


@given(ADDRESSES)
@settings(max_examples=500)
def test_an_address_passes_only_if_it_is_global(address: Address) -> None:
    found = read(f"http://{bracketed(address)}/")
    assert (found is not None) is PUBLIC.permits(address)
    if found is not None:
        assert meant(address).is_global
        assert not meant(address).is_multicast


@given(
    st.ip_addresses(v=4), st.integers(1, 4), st.lists(st.sampled_from(["", "0", "0x"]), min_size=4)
)
def test_no_unusual_form_of_an_ipv4_address_passes(
    address: IPv4Address, parts: int, bases: list[str]
) -> None:
    packed = address.packed
    numbers = [*packed[: parts - 1], int.from_bytes(packed[parts - 1 :])]
    forms = {"": "{}", "0": "0{:o}", "0x": "{:#x}"}
    host = ".".join(forms[base].format(n) for base, n in zip(bases, numbers, strict=False))
    assert socket.inet_aton(host) == packed  # what the system would connect to
    found = read(f"http://{host}/")
    assert found is None or (host == str(address) and found.address == address)


@given(ADDRESSES, st.ip_addresses(v=4))
def test_an_allowed_network_adds_its_own_addresses_and_no_others(
    address: Address, allowed: IPv4Address
) -> None:
    network = ip_network(f"{allowed}/12", strict=False)
    reach = Reach([network], EVERY_PORT)
    assert reach.permits(address) is (PUBLIC.permits(address) or meant(address) in network)


@given(st.text(max_size=80), st.floats(0, 4e9))
def test_any_retry_after_is_bounded_or_ignored(text: str, now: float) -> None:
    seconds = retry_after(text, now)
    assert seconds is None or 0 <= seconds <= MAX_SECONDS
