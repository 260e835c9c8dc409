"""What the holder of a key may have the server do by way of webhooks."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.server_process import ServerProcess
from integration.wire import Api

PATH = "/vivavoce/webhooks"


@pytest.fixture
def server_in(models: Path, tmp_path: Path) -> Iterator[Api]:
    """A server of this test's own, so that it begins without webhooks."""
    settings = {"VIVAVOCE_MODELS": str(models), "VIVAVOCE_WORKERS": "1"}
    with ServerProcess(tmp_path / "data", settings).running() as process:
        yield Api(process.url)


async def test_no_race_gets_a_key_more_endpoints_than_it_may_have(server_in: Api) -> None:
    """Forty-two and sixty were added at once."""
    body = {"url": "https://hook.example.com/"}
    added = await asyncio.gather(*(server_in.call("POST", PATH, body) for _ in range(40)))
    assert sorted(answer.status_code for answer in added) == [201] * 20 + [422] * 20
    listed = (await server_in.call("GET", PATH)).json()
    assert len(listed["items"]) == 20


async def test_tests_of_webhooks_are_bounded_for_each_key(server_in: Api) -> None:
    made = (await server_in.call("POST", PATH, {"url": "https://hook.example.com/"})).json()
    path = f"{PATH}/{made['id']}/test"
    answers = await asyncio.gather(*(server_in.call("POST", path) for _ in range(20)))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert 5 <= len(refused) <= 10, "ten at once, and one more every six seconds"
    assert {answer.headers["retry-after"] for answer in refused} == {"6"}
