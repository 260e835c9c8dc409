"""A server with several models, and one in whose memory they do not fit together."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from integration.server_process import ServerProcess
from integration.speech import BEST, EPOCHS, spoken
from integration.wire import Api, finals, session, spoken_through

PROGRAM = Path(__file__).with_name("two_model_server.py")


@pytest.fixture
def server(models: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    """Room for one engine."""
    with running(models, tmp_path, VIVAVOCE_MODEL_MEMORY="100") as process:
        yield process


@pytest.fixture
def roomy(models: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    """Room for all."""
    with running(models, tmp_path) as process:
        yield process


@contextmanager
def running(models: Path, folder: Path, **settings: str) -> Iterator[ServerProcess]:
    chosen = {
        "VIVAVOCE_MODELS": str(models),
        "VIVAVOCE_WORKERS": "1",
        "VIVAVOCE_MUTE_FINALIZE": "0",  # the tests wait for models between two pieces
        "PYTHONPATH": str(PROGRAM.parents[1]),
        **settings,
    }
    process = ServerProcess(folder / "data", chosen, program=(str(PROGRAM),))
    with process.running() as server:
        yield server


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


async def test_partials_of_accurate_come_though_the_better_model_is_not_there_yet(
    roomy: ServerProcess,
) -> None:
    """And its finals only once it is: the two are by different models."""
    pieces = spoken(EPOCHS).pieces()
    half = len(pieces) // 2
    async with session(Api(roomy.url), endpointing=2, **ACCURATE) as (_, line):
        await line.send(pieces[:half])
        assert not (await line.next("transcript"))["data"]["is_final"]
        (roomy.data / "gate").touch()
        await line.send(pieces[half:])
        await line.stop()
        assert finals(await line.rest())


async def test_where_two_models_do_not_fit_the_better_one_makes_partials_too(
    server: ServerProcess,
) -> None:
    api = Api(server.url)
    (server.data / "gate").touch()
    _, heard = await spoken_through(api, spoken(BEST).pieces(), **ACCURATE)
    assert finals(heard.heard)
    ready = await api.call("GET", "/ready")
    assert list(ready.json()["engines"]) == ["better"]


ACCURATE: dict[str, Any] = {
    "model": "accurate",
    "language_config": {"languages": ["en"]},
    "messages_config": {"receive_partial_transcripts": True},
}


def _in(language: str) -> dict[str, object]:
    return {"language_config": {"languages": [language]}}
