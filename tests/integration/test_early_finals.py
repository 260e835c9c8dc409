"""Finals decoded in the first silence, by a real server and the real model."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from history import History
from integration.server_process import ServerProcess
from integration.speech import WHOLE, spoken
from integration.wire import Api, Json, Line, finals, line, of_type, proved, spoken_through

AUDIO = 14 * 32_000
INTO_PAUSE = 0.22
"""Seconds after the end of speech at which its final is foreseen and not confirmed."""

BOUND = 30.0
"""Seconds after which what is waited for will never come."""

INIT = {
    "endpointing": 0.3,
    "language_config": {"languages": ["en"]},  # nothing is foreseen before the language is known
    "messages_config": {"receive_partial_transcripts": True, "receive_speech_events": True},
}


@pytest.fixture
def own(models: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server that takes no quiet client for muted: these speak to a pause and look at metrics."""
    settings = {"VIVAVOCE_MODELS": str(models), "VIVAVOCE_MUTE_FINALIZE": "0"}
    with ServerProcess(tmp_path / "data", settings).running() as process:
        yield process


async def foreseen(api: Api) -> dict[str, float]:
    """What became of foreseen finals, how often."""
    answer = await api.call("GET", "/metrics")
    families = text_string_to_metric_families(answer.text)
    return {
        sample.labels["event"]: sample.value
        for family in families
        for sample in family.samples
        if sample.name == "vivavoce_foreseen_finals_total"
    }


async def one_is_foreseen(api: Api) -> None:
    """Wait until a final has been asked for whose utterance has not ended."""
    async with asyncio.timeout(BOUND):
        while 2 * (found := await foreseen(api)).get("asked", 0) <= sum(  # noqa: ASYNC110 - polled
            found.values()
        ):
            await asyncio.sleep(0.05)


async def said_to_a_pause(api: Api, talking: Line, audio: bytes) -> None:
    """Send audio that ends in a pause, and wait until its final is foreseen."""
    await talking.send([audio])
    await one_is_foreseen(api)


def pauses(heard: list[Json]) -> list[int]:
    """Bytes up to the middle of each pause that ended an utterance."""
    ends = [message["data"]["time"] for message in of_type(heard, "speech_end")]
    found = [round((end + INTO_PAUSE) * 16_000) * 2 for end in ends[:-1]]
    assert len(found) >= 2
    return found


async def test_finals_that_were_foreseen_are_the_same(own: ServerProcess, tmp_path: Path) -> None:
    audio = spoken(WHOLE).audio[:AUDIO]
    with ServerProcess(tmp_path / "late", {"VIVAVOCE_EARLY_FINALS": "0"}).running() as server:
        _, late = await spoken_through(Api(server.url), [audio], **INIT)
        assert await foreseen(Api(server.url)) == {}
    api = Api(own.url)
    made = await api.create(**INIT)
    async with line(made.url) as talking:
        start = 0
        for pause in pauses(late.heard):
            await said_to_a_pause(api, talking, audio[start:pause])
            start = pause
        await talking.send([audio[start:]])
        await talking.stop()
        await talking.rest()
    found = await foreseen(api)
    assert found.get("ready", 0) + found.get("under_way", 0) > 1
    await proved(api, made, talking.history, finals(late.heard))


async def test_a_server_killed_in_pauses_says_the_same(own: ServerProcess) -> None:
    audio = spoken(WHOLE).audio[:AUDIO]
    api = Api(own.url)
    _, undisturbed = await spoken_through(api, [audio], **INIT)
    made = await api.create(**INIT)
    history, start = History(), 0
    for pause in pauses(undisturbed.heard)[:2]:
        async with line(made.url, history) as talking:
            await said_to_a_pause(api, talking, audio[start:pause])
            assert own.kill() == -9
            await talking.rest()
        own.start()
        start = pause
    async with line(made.url, history) as talking:
        await talking.send([audio[start:]])
        await talking.stop()
        await talking.rest()
    await proved(api, made, history, finals(undisturbed.heard))
