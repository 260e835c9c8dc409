"""A server whose models do not fit into memory together."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.server_process import ServerProcess
from integration.speech import BEST, spoken
from integration.wire import Api, finals, session, spoken_through

PROGRAM = Path(__file__).with_name("two_model_server.py")


@pytest.fixture
def server(models: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    """Room for one engine of the two."""
    chosen = {
        "VIVAVOCE_MODELS": str(models),
        "VIVAVOCE_MODEL_MEMORY": "100",
        "VIVAVOCE_WORKERS": "1",
        "PYTHONPATH": str(PROGRAM.parents[1]),
    }
    process = ServerProcess(tmp_path / "data", chosen, program=(str(PROGRAM),))
    with process.running() as running:
        yield running


async def test_a_session_begins_and_is_heard_while_its_model_is_loaded(
    server: ServerProcess,
) -> None:
    api = Api(server.url)
    speech = spoken(BEST)
    _, english = await spoken_through(api, speech.pieces(), **_in("en"))
    assert finals(english.heard)
    async with session(api, **_in("de")) as (_, line):
        await line.send(speech.pieces())
        for _ in speech.pieces():
            await line.next("audio_chunk")
        (server.data / "gate").touch()
        await line.stop()
        heard = await line.rest()
    assert [final["utterance"]["text"] for final in finals(heard)] == [
        final["utterance"]["text"] for final in finals(english.heard)
    ]
    assert {final["utterance"]["language"] for final in finals(heard)} == {"de"}
    ready = await api.call("GET", "/ready")
    assert list(ready.json()["engines"]) == ["de"]


def _in(language: str) -> dict[str, object]:
    return {"language_config": {"languages": [language]}}
