"""Deliveries to a real endpoint that misbehaves: each has an answer, within its bounds."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_network
from typing import get_args

import pytest

from integration.listening import listening
from integration.receiver_process import OK, ReceiverProcess, busy, receiving
from integration.scripted_receiver import Deed, Step
from vivavoce.delivery.addresses import Reach
from vivavoce.delivery.port import Answer, Delivery
from vivavoce.delivery.safe_http import Bounds, SafeTransport

REACH = Reach([ip_network("127.0.0.0/8")], range(1, 65536))
SHORT = Bounds(total=0.5, rest=0.2)
EARLY = "the connection ended early, or what came was not HTTP"
LATE = "no answer in time"
BROKE = "the connection broke"

ANSWERED = ("answer", "slow", "reset-body", "drip-body", "huge-body", "bomb")
"""An endpoint that got as far as a status has answered, whatever it does next."""

UNANSWERED: dict[str, tuple[str, ...]] = {
    "silent": (LATE,),
    "reset": (BROKE,),
    "reset-head": (BROKE, EARLY),
    "hang-up": (EARLY,),
    "drip": (LATE,),
    "endless-headers": (EARLY,),
    "long-header": (EARLY,),
    "endless-informational": (LATE,),
    "garbage": (EARLY,),
}


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReceiverProcess]:
    """A receiver; each test talks to a path of its own."""
    with receiving(tmp_path_factory.mktemp("receiver") / "log.jsonl") as process:
        yield process


@pytest.fixture
async def transport() -> AsyncIterator[SafeTransport]:
    """A transport of little patience."""
    async with SafeTransport(REACH, bounds=SHORT) as made:
        yield made


def to(url: str, body: bytes = b"{}") -> Delivery:
    """A delivery with the headers that a dispatcher gives it."""
    return Delivery(url, {"webhook-id": "m1"}, body)


def test_every_misdeed_has_an_expected_answer() -> None:
    assert set(get_args(Deed)) == {*ANSWERED, *UNANSWERED}


@pytest.mark.parametrize("deed", ANSWERED)
async def test_a_status_is_an_answer_whatever_follows_it(
    endpoint: ReceiverProcess, transport: SafeTransport, deed: Deed
) -> None:
    endpoint.tell(Step(deed, status=202), path=f"/{deed}")
    assert await transport.post(to(f"{endpoint.url}/{deed}")) == Answer(202)
    assert await transport.post(to(f"{endpoint.url}/{deed}")) == Answer(200)


@pytest.mark.parametrize("deed", UNANSWERED)
async def test_without_a_status_there_is_a_reason_and_the_next_delivery_is_unharmed(
    endpoint: ReceiverProcess, transport: SafeTransport, deed: Deed
) -> None:
    endpoint.tell(Step(deed), path=f"/{deed}")
    answer = await transport.post(to(f"{endpoint.url}/{deed}"))
    assert answer.status is None
    assert answer.failure in UNANSWERED[deed]
    assert await transport.post(to(f"{endpoint.url}/{deed}")) == Answer(200)


@pytest.mark.parametrize("status", [200, 204, 304, 400, 404, 410, 413, 500, 503])
async def test_every_status_is_reported(
    endpoint: ReceiverProcess, transport: SafeTransport, status: int
) -> None:
    endpoint.tell(Step(status=status), path=f"/{status}")
    assert await transport.post(to(f"{endpoint.url}/{status}")) == Answer(status)


async def test_retry_after_is_reported(endpoint: ReceiverProcess, transport: SafeTransport) -> None:
    endpoint.tell(busy(120), path="/busy")
    assert await transport.post(to(f"{endpoint.url}/busy")) == Answer(429, 120.0)


async def test_nothing_listening_is_no_connection(transport: SafeTransport) -> None:
    async with listening() as gone:
        pass
    answer = await transport.post(to(f"http://127.0.0.1:{gone.port}/"))
    assert answer == Answer(None, None, "no connection")


async def test_a_port_that_speaks_no_tls_is_a_failure_of_tls(transport: SafeTransport) -> None:
    def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        found = await transport.post(to(f"https://127.0.0.1:{port}/"))
        assert found.failure == "TLS failed: wrong version number"


async def test_body_and_headers_arrive_as_given(
    endpoint: ReceiverProcess, transport: SafeTransport
) -> None:
    endpoint.tell(path="/whole")
    delivery = Delivery(
        f"{endpoint.url}/whole?a=%20b", {"webhook-id": "m7", "content-type": "text/x"}, b"\xc3\xa4"
    )
    endpoint.tell(path="/whole?a=%20b")
    assert await transport.post(delivery) == Answer(200)
    (got,) = endpoint.received("/whole?a=%20b")
    assert (got.method, got.body) == ("POST", "ä")
    assert got.headers["webhook-id"] == "m7"
    assert got.headers["content-type"] == "text/x"
    assert got.headers["accept-encoding"] == "identity"
    assert got.headers["user-agent"].startswith("vivavoce/")
    assert got.headers["host"] == f"127.0.0.1:{endpoint.port}"


async def test_a_connection_is_used_again_and_few_are_kept() -> None:
    async with listening() as one, SafeTransport(REACH, bounds=Bounds(kept=2)) as transport:
        url = to(f"http://127.0.0.1:{one.port}/")
        for _ in range(10):
            assert await transport.post(url) == Answer(204)
        assert one.connections == 1
        await asyncio.gather(*(transport.post(url) for _ in range(10)))
        before = one.connections
        assert before > 3
        await asyncio.gather(*(transport.post(url) for _ in range(2)))
        assert one.connections == before  # the two that were kept


async def test_a_connection_that_its_endpoint_closes_without_a_word_is_replaced() -> None:
    async with listening(once=True) as one, SafeTransport(REACH) as transport:
        url = to(f"http://127.0.0.1:{one.port}/")
        assert [await transport.post(url) for _ in range(20)] == [Answer(204)] * 20
        assert one.connections >= 20


async def test_an_endpoint_that_resets_kept_connections_gets_a_delivery_at_most_twice(
    endpoint: ReceiverProcess, transport: SafeTransport
) -> None:
    url = to(f"{endpoint.url}/kept")
    await transport.post(url)
    endpoint.tell(then=Step("reset"), path="/kept")
    assert (await transport.post(url)).failure == BROKE
    assert len(endpoint.received("/kept")) == 3


async def test_only_so_many_deliveries_are_under_way_and_the_rest_come_after() -> None:
    bounds = Bounds(connections=3)
    async with listening() as one, SafeTransport(REACH, bounds=bounds) as transport:
        url = to(f"http://127.0.0.1:{one.port}/")
        answers = await asyncio.gather(*(transport.post(url) for _ in range(50)))
        assert set(answers) == {Answer(204)}
        assert one.connections <= 3


async def test_endless_answers_do_not_fill_memory(
    endpoint: ReceiverProcess, transport: SafeTransport
) -> None:
    endless: tuple[Deed, ...] = (
        "huge-body",
        "endless-headers",
        "long-header",
        "endless-informational",
        "garbage",
    )
    for deed in endless:
        endpoint.tell(then=Step(deed), path=f"/much/{deed}")
    tracemalloc.start()
    for deed in endless:
        await asyncio.gather(*(transport.post(to(f"{endpoint.url}/much/{deed}")) for _ in range(4)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * 1024 * 1024


async def test_a_delivery_that_is_called_off_leaves_nothing_behind(
    endpoint: ReceiverProcess, transport: SafeTransport
) -> None:
    endpoint.tell(Step("silent"), path="/waiting")
    posting = asyncio.create_task(transport.post(to(f"{endpoint.url}/waiting")), name="post")
    await asyncio.to_thread(endpoint.until, lambda got: bool(got.received("/waiting")))
    posting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await posting
    endpoint.tell(then=OK, path="/waiting")
    assert await transport.post(to(f"{endpoint.url}/waiting")) == Answer(200)


async def test_a_header_that_http_does_not_allow_is_not_sent(
    endpoint: ReceiverProcess, transport: SafeTransport
) -> None:
    smuggled = Delivery(f"{endpoint.url}/smuggled", {"webhook-id": "a\r\nx: y"}, b"")
    answer = await transport.post(smuggled)
    assert answer.failure == "the request has a header that HTTP does not allow"
    assert endpoint.received("/smuggled") == []
