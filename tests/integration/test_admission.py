"""A machine that is full refuses new sessions, and those that run notice nothing of it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from integration.server_process import ServerProcess
from integration.speech import BEGINNING, spoken
from integration.test_metrics import metrics
from integration.wire import PATIENCE, Api, Line, finals, line, of_type, text

PROGRAM = Path(__file__).parent.parent / "faults" / "scripted_server.py"
CHUNK = 3200
TALKERS = 8
MOST = 0.7


@pytest.fixture
def server(models: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    """One worker that needs 0.4 s for a second of speech: two speakers and it is full."""
    chosen = {
        "VIVAVOCE_MODELS": str(models),
        "VIVAVOCE_WORKERS": "1",
        "VIVAVOCE_MAX_LOAD": str(MOST),
        "PYTHONPATH": str(PROGRAM.parents[1]),
    }
    slow = ("--real-time-factor", "0.4")
    process = ServerProcess(tmp_path / "data", chosen, program=(str(PROGRAM),), arguments=slow)
    with process.running() as running:
        yield running


async def talk(url: str, over: asyncio.Event) -> Line:
    """Say the same again and again, in real time, until it is over."""
    speech = spoken(BEGINNING)
    async with line(url) as talking:
        while not over.is_set():
            for piece in speech.pieces(CHUNK):
                await talking.send([piece])
                await asyncio.sleep(speech.format.seconds(CHUNK))
        await talking.stop()
        await talking.rest()
    return talking


async def until_refused(
    api: Api, over: asyncio.Event, talkers: list[asyncio.Task[Line]]
) -> httpx.Response:
    """Begin one session after the other until one is refused; gives that answer."""
    while (answer := await api.call("POST", "/v2/live", {})).status_code == 201:
        talkers.append(asyncio.create_task(talk(answer.json()["url"], over), name="talker"))
        assert len(talkers) < TALKERS, "everybody is let in"
        await asyncio.sleep(8)
    return answer


async def let_in(api: Api) -> httpx.Response:
    """Ask as the server says, until there is room."""
    async with asyncio.timeout(PATIENCE):
        while (answer := await api.call("POST", "/v2/live", {})).status_code == 429:  # noqa: ASYNC110 - as a client does
            await asyncio.sleep(int(answer.headers["retry-after"]))
    return answer


async def test_a_full_machine_refuses_new_sessions_and_keeps_the_finals_of_those_it_has(
    server: ServerProcess,
) -> None:
    api, over = Api(server.url), asyncio.Event()
    talkers: list[asyncio.Task[Line]] = []
    refused = await until_refused(api, over, talkers)
    counted = (await metrics(api))["vivavoce_admission_refused_total"]
    over.set()
    lines = await asyncio.gather(*talkers)

    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 5
    body = refused.json()
    assert (body["statusCode"], body["path"]) == (429, "/v2/live")
    assert "capacity" in body["message"]
    assert counted == 1
    assert 1 <= len(lines) < TALKERS
    for talked in lines:
        assert not of_type(talked.heard, "error")
        assert talked.close_code == 1000
        assert_finals_came_while_it_was_said(talked)
    assert len({text(talked.heard)[:100] for talked in lines}) == 1
    assert (await let_in(api)).status_code == 201


def assert_finals_came_while_it_was_said(talked: Line) -> None:
    """When the client said stop, at most the last few utterances were left to be told."""
    stopped = next(
        place for place, message in enumerate(talked.heard) if message["type"] == "stop_recording"
    )
    before, after = finals(talked.heard[:stopped]), finals(talked.heard[stopped:])
    assert len(before) > len(after)
