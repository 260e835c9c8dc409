"""``model``: partials by the light model and finals by the better one, with the real models."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from history import History
from integration.server_process import ServerProcess
from integration.speech import BEGINNING, Spoken, spoken
from integration.wire import Api, finals, line, proved, spoken_through

PARTIALS = {"receive_partial_transcripts": True}


@pytest.fixture
def server(models: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    """Its finals of ``accurate`` are Whisper's, whatever the figures say."""
    wishes = {"VIVAVOCE_MODELS": str(models), "VIVAVOCE_ACCURATE_MODELS": "en=whisper-base"}
    with ServerProcess(tmp_path / "data", wishes).running() as process:
        yield process


async def test_finals_of_accurate_are_the_better_models_with_its_own_context_and_after_a_kill(
    server: ServerProcess, models: Path, tmp_path: Path
) -> None:
    speech = spoken(BEGINNING)
    wishes = {"VIVAVOCE_MODELS": str(models), "VIVAVOCE_USE_MODELS": "whisper-base"}
    with ServerProcess(tmp_path / "whisper", wishes).running() as whisper:
        expected = await told(whisper, speech, "solaria-1")
    assert await told(server, speech, "fast") != expected
    api = Api(server.url)
    made = await api.create(**asking("accurate"))
    history = History()
    half = len(speech.audio) // 2 & ~1
    async with line(made.url, history) as talking:
        await talking.send([speech.audio[:half]])
        await talking.acknowledged(half)
        while not (await talking.next("transcript"))["data"]["is_final"]:
            pass
        assert server.kill() == -9
        await talking.rest()
    server.start()
    async with line(made.url, history) as talking:
        await talking.send([speech.audio[half:]])
        await talking.stop()
        await talking.rest()
    assert history.finals == expected
    await proved(api, made, history, expected)
    assert (await api.done(made.id))["request_params"]["model"] == "accurate"


async def told(server: ServerProcess, speech: Spoken, model: str) -> list[Any]:
    """The finals of a session that asks for a model."""
    _, heard = await spoken_through(Api(server.url), speech.pieces(), **asking(model))
    return finals(heard.heard)


def asking(model: str) -> dict[str, Any]:
    """The request of a session in English."""
    return {
        "model": model,
        "language_config": {"languages": ["en"]},
        "messages_config": PARTIALS,
    }
