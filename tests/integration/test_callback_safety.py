"""Nothing that a stranger names leads a delivery to an address that is not public.

Here a few loopback addresses stand for the internet, because no test leaves the machine: the
operator's networks make them allowed, and a real server listens on one that is not.
"""

import re
import socket
import ssl
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path
from threading import Event

import httpcore
import pytest

from hostile import answers, urls
from integration.listening import ScriptedResolver, listening
from integration.receiver_process import Authority
from vivavoce.delivery import resolver
from vivavoce.delivery.addresses import Address, Reach, parsed
from vivavoce.delivery.connecting import CheckedNetwork, RefusedAddressError, UnknownHostError
from vivavoce.delivery.port import Answer, Delivery
from vivavoce.delivery.resolver import SystemResolver
from vivavoce.delivery.safe_http import SafeTransport

NAME = "hook.example.com"
EVERY_PORT = range(1, 65536)
NOWHERE = Reach(ports=EVERY_PORT)
OUTSIDE = Reach([ip_network("127.0.0.1/32")], EVERY_PORT)
"""The one address that stands for the internet."""

INSIDE = "127.0.0.2"
REFUSED = "the host was not found, or has an address that is not public"


async def post(url: str, reach: Reach, *answered: Sequence[str]) -> Answer:
    """What comes of one delivery, where look-ups are answered in this way."""
    async with SafeTransport(reach, resolver=ScriptedResolver(*answered)) as transport:
        return await transport.post(Delivery(url, {}, b"{}"))


async def test_no_hostile_url_is_posted_to_whatever_name_servers_say() -> None:
    resolver = ScriptedResolver(["127.0.0.1"])
    async with listening() as victim, SafeTransport(Reach(), resolver=resolver) as transport:
        for row in urls():
            answer = await transport.post(Delivery(row.url, {}, b"{}"))
            assert answer.status is None
            assert f"{answer.failure}".startswith(f"the URL {row.refusal}")
        assert (resolver.asked, victim.connections) == ([], 0)


class LooseResolver:
    """Takes every form of an address that the system does; every name leads to loopback."""

    async def addresses(self, host: str, *_: object) -> Sequence[Address | None]:
        """What the system says without asking anybody."""
        try:
            found = socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
        except OSError:
            return [parsed("127.0.0.1")]
        return [parsed(str(place[4][0])) for place in found]


def loosely(url: str) -> list[str]:
    """Every host that some program could find in a URL."""
    authority = re.split(r"[/?#]", url.partition("//")[2] or url)[0]
    parts = [*re.split(r"[@\\\\]", authority), *re.split(r"[\s]", url), authority]
    return [host for part in parts if (host := re.sub(r":\d*$", "", part).strip("[]"))]


async def test_no_host_of_a_hostile_url_is_connected_to_even_if_the_url_were_not_checked() -> None:
    network = CheckedNetwork(NOWHERE, LooseResolver())
    public = {"8.8.8.8", "8.8.8.010"}
    async with listening() as victim:
        hosts = {host for row in urls() for host in loosely(row.url)} - public
        for host in hosts:
            with pytest.raises((RefusedAddressError, UnknownHostError)):
                await network.connect_tcp(host, victim.port, 5)
        assert len(hosts) >= 120
        assert victim.connections == 0


@pytest.mark.parametrize("title", answers())
async def test_a_name_with_an_address_that_is_not_public_is_refused(title: str) -> None:
    assert (await post(f"https://{NAME}/", Reach(), answers()[title])).failure == REFUSED


async def test_an_answer_that_changes_later_does_not_matter() -> None:
    resolver = ScriptedResolver(["127.0.0.1"], [INSIDE])
    async with listening(answer=b"HTTP/1.1 200 OK\r\n\r\n", once=True) as endpoint:
        delivery = Delivery(f"http://{NAME}:{endpoint.port}/", {}, b"{}")
        async with (
            listening(INSIDE, port=endpoint.port) as victim,
            SafeTransport(OUTSIDE, resolver=resolver) as transport,
        ):
            found = [await transport.post(delivery) for _ in range(3)]
            assert [answer.status for answer in found] == [200, None, None]
            assert [answer.failure for answer in found] == [None, REFUSED, REFUSED]
            assert (endpoint.connections, victim.connections) == (1, 0)
            assert resolver.asked == [NAME] * 3  # once for each connection


@pytest.mark.parametrize("answer", [["127.0.0.1", INSIDE], [INSIDE, "127.0.0.1"]])
async def test_one_bad_address_among_good_ones_is_enough_to_refuse(answer: list[str]) -> None:
    async with listening() as endpoint, listening(INSIDE, port=endpoint.port) as victim:
        found = await post(f"http://{NAME}:{endpoint.port}/", OUTSIDE, answer)
        assert found.failure == REFUSED
        assert (endpoint.connections, victim.connections) == (0, 0)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(status: int) -> None:
    async with listening() as victim:
        head = f"HTTP/1.1 {status} X\r\nlocation: http://127.0.0.1:{victim.port}/\r\n"
        async with listening(answer=f"{head}content-length: 0\r\n\r\n".encode()) as endpoint:
            found = await post(f"http://127.0.0.1:{endpoint.port}/", OUTSIDE, [])
            assert found == Answer(status)
            assert victim.connections == 0


async def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening() as endpoint, listening() as proxy:
        for name in ("http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        found = await post(f"http://127.0.0.1:{endpoint.port}/", OUTSIDE, [])
        assert found == Answer(204)
        assert proxy.connections == 0


async def test_the_next_address_is_tried_where_the_first_takes_no_connection() -> None:
    reach = Reach([ip_network("127.0.0.0/8")], EVERY_PORT)
    async with listening() as endpoint:
        url = f"http://{NAME}:{endpoint.port}/"
        assert await post(url, reach, [INSIDE, "127.0.0.1"]) == Answer(204)


async def test_the_host_is_named_as_it_was_given_and_not_by_its_address() -> None:
    async with listening() as endpoint:
        url = f"http://HOOK.example.com:{endpoint.port}/a/../b?c=%2e"
        await post(url, OUTSIDE, ["127.0.0.1"])
        assert endpoint.heads[0].startswith("POST /a/../b?c=%2e HTTP/1.1\r\n")
        assert f"host: {NAME}:{endpoint.port}\r\n" in endpoint.heads[0]


def server_tls(certificate: Path, named: list[str | None]) -> ssl.SSLContext:
    """TLS of an endpoint, which notes the names it was asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _, name, __: named.append(name)
    return context


async def test_the_certificate_must_be_for_the_name_and_of_a_known_authority(
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path)
    named: list[str | None] = []
    trusting = ssl.create_default_context(cafile=str(authority.root))

    async def tried(certificate: Path, trust: ssl.SSLContext | None) -> Answer:
        async with listening(tls=server_tls(certificate, named)) as endpoint:
            delivery = Delivery(f"https://{NAME}:{endpoint.port}/", {}, b"{}")
            resolver = ScriptedResolver(["127.0.0.1"])
            async with SafeTransport(OUTSIDE, resolver=resolver, tls=trust) as transport:
                return await transport.post(delivery)

    right, wrong = authority.certificate(NAME), authority.certificate("127.0.0.1", "other.example")
    assert await tried(right, trusting) == Answer(204)
    assert set(named) == {NAME}
    assert "not valid for 'hook.example.com'" in f"{(await tried(wrong, trusting)).failure}"
    assert "certificate was not accepted" in f"{(await tried(right, None)).failure}"


async def test_no_failure_tells_an_address_of_the_inside() -> None:
    found = [
        await post(f"http://{NAME}:9/", NOWHERE, ["10.9.8.7"]),
        await post(f"http://{NAME}:9/", Reach([ip_network(f"{INSIDE}/32")], [9]), [INSIDE]),
        await post(f"http://{NAME}:9/", NOWHERE, []),
    ]
    told = [f"{answer.failure}" for answer in found]
    assert told == [REFUSED, "no connection", REFUSED]


async def test_a_name_that_nobody_answers_for_costs_no_more_than_the_time_to_connect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answered = Event()

    def look_up(_: str) -> Sequence[Address | None]:
        answered.wait(10)
        return []

    monkeypatch.setattr(resolver, "look_up", look_up)
    silent = SystemResolver()
    network = CheckedNetwork(NOWHERE, silent)
    with pytest.raises(httpcore.ConnectTimeout):
        await network.connect_tcp(NAME, 80, 0.01)
    answered.set()
    silent.close()
