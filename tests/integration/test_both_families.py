"""A server that listens on ``::`` serves IPv4 and IPv6."""

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from integration.server_process import KEY, ServerProcess
from integration.wire import Api, session
from vivavoce.server.serving import bind


def has_ipv6() -> bool:
    """Whether this machine has an IPv6 loopback."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


pytestmark = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


@pytest.mark.parametrize(
    ("host", "reached"),
    [("::", {"127.0.0.1", "::1"}), ("::1", {"::1"}), ("127.0.0.1", {"127.0.0.1"})],
)
def test_only_the_address_for_everything_listens_on_both_families(
    host: str, reached: set[str]
) -> None:
    with bind(host, 0) as listener:
        port = listener.getsockname()[1]
        found = set()
        for address in ("127.0.0.1", "::1"):
            try:
                socket.create_connection((address, port), timeout=5).close()
            except ConnectionRefusedError:
                continue
            found.add(address)
    assert found == reached


@pytest.fixture(scope="module")
def everywhere(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    data = tmp_path_factory.mktemp("families") / "data"
    settings = {"VIVAVOCE_MODELS": str(models), "VIVAVOCE_HOST": "::"}
    with ServerProcess(data, settings).running() as server:
        yield server


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
async def test_a_session_runs_over_either_family(everywhere: ServerProcess, host: str) -> None:
    """``--host ::`` used to refuse IPv4."""
    assert everywhere.url.startswith("http://[::]:")
    url = f"http://{host}:{everywhere.url.rsplit(':', 1)[1]}"
    api = Api(url)
    async with session(api) as (made, talking):
        assert made.url.startswith(url.replace("http", "ws") + "/v2/live?token=")
        await talking.send([bytes(3200)])
        await talking.stop()
        await talking.rest()
    assert talking.close_code == 1000
    assert (await api.done(made.id))["status"] == "done"


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
async def test_a_process_of_this_machine_is_known_as_one_on_either_family(
    everywhere: ServerProcess, host: str
) -> None:
    url = f"http://{host}:{everywhere.url.rsplit(':', 1)[1]}"
    async with httpx.AsyncClient(base_url=url) as http:
        assert (await http.get("/metrics")).status_code == 200
        wrong = await http.get("/metrics", headers={"x-gladia-key": KEY + "x", "host": "a.example"})
        assert wrong.status_code == 401
