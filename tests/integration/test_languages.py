"""Languages through the whole server, heard by the published client: named, guessed, switching."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from gladiaio_sdk import GladiaClient, LiveV2InitRequest
from gladiaio_sdk.v2.live.generated_types import LiveV2LanguageConfig, LiveV2TranscriptMessage

from integration.server_process import KEY, ServerProcess
from integration.speech import (
    FRENCH,
    TIMES,
    Clip,
    foreign,
    pieces,
    spoken,
    word_error_rate,
)
from integration.wire import Api
from vivavoce.protocol.languages import ALIASES, TRANSCRIPTION_CODES
from vivavoce.recognition.catalogue import load_catalogue
from vivavoce.recognition.model_errors import ModelError
from vivavoce.recognition.store import ModelStore

# The SDK opens its socket in a way that the websockets library wants to give up one day.
pytestmark = pytest.mark.filterwarnings("ignore:connect.. must be used as:DeprecationWarning")

PAUSE = bytes(16_000)
PATIENCE = 60
SPANISH = foreign("Uno dos tres cuatro cinco seis siete ocho nueve diez.", 3.2, "es-conteo.wav")


@pytest.fixture(autouse=True)
def _samples(models: Path) -> None:
    try:
        ModelStore(models).path(load_catalogue().model("speech-samples-languages"))
    except ModelError:
        pytest.skip("run make test-models")


async def heard(
    server: ServerProcess, clips: list[Clip], languages: list[str], *, switching: bool
) -> list[tuple[str, str]]:
    """Language and text of every final, as the SDK tells them."""
    client = GladiaClient(api_key=KEY, api_url=server.url).live_async()
    request = LiveV2InitRequest(
        sample_rate=16_000,
        endpointing=0.3,
        language_config=LiveV2LanguageConfig.from_dict(
            {"languages": languages, "code_switching": switching}
        ),
    )
    session = client.start_session(request)
    finals: list[tuple[str, str]] = []
    connected, ended = asyncio.Event(), asyncio.Event()

    def take(message: Any) -> None:
        if isinstance(message, LiveV2TranscriptMessage) and message.data.is_final:
            utterance = message.data.utterance
            finals.append((utterance.language, utterance.text))

    session.on("message", take)
    session.on("connected", lambda _: connected.set())
    session.on("ended", lambda _: ended.set())
    audio = PAUSE.join(spoken(clip).audio for clip in clips) + PAUSE
    async with asyncio.timeout(PATIENCE):
        await connected.wait()
        for piece in pieces(audio, 3200):
            session.send_audio(piece)
            await asyncio.sleep(0)
        session.stop_recording()
        await ended.wait()
    await client._http_client.close()  # noqa: SLF001  the SDK has no public way to close it
    return finals


def assert_heard(finals: list[tuple[str, str]], language: str, *clips: Clip) -> None:
    text = " ".join(said for told, said in finals if told == language)
    words = " ".join(clip.words for clip in clips)
    assert word_error_rate(words, text) <= 0.35, (words, text)


async def test_a_language_that_is_named_is_used(server: ServerProcess) -> None:
    finals = await heard(server, [FRENCH], ["fr"], switching=True)
    assert {language for language, _ in finals} == {"fr"}
    assert_heard(finals, "fr", FRENCH)


async def test_without_a_name_the_first_utterance_decides(server: ServerProcess) -> None:
    finals = await heard(server, [FRENCH, FRENCH], [], switching=False)
    assert {language for language, _ in finals} == {"fr"}
    assert_heard(finals, "fr", FRENCH, FRENCH)
    finals = await heard(server, [TIMES], [], switching=False)
    assert {language for language, _ in finals} == {"en"}
    assert_heard(finals, "en", TIMES)


async def test_each_utterance_is_heard_in_its_own_language(server: ServerProcess) -> None:
    finals = await heard(server, [TIMES, FRENCH, TIMES, FRENCH], ["en", "fr"], switching=True)
    languages = [language for language, _ in finals]
    assert [a for a, b in zip(languages, [*languages[1:], ""], strict=True) if a != b] == [
        "en",
        "fr",
        "en",
        "fr",
    ]
    assert_heard(finals, "en", TIMES, TIMES)
    assert_heard(finals, "fr", FRENCH, FRENCH)


async def test_livekits_default_finds_the_language_among_all(server: ServerProcess) -> None:
    finals = await heard(server, [SPANISH, TIMES], [], switching=True)
    assert finals[0][0] == "es"
    assert finals[-1][0] == "en"
    assert_heard(finals, "en", TIMES)


async def test_every_code_is_accepted_in_any_spelling(api: Api) -> None:
    for codes in (TRANSCRIPTION_CODES, [*ALIASES, "FR", "zh-CN", "pt_BR"]):
        answer = await api.call("POST", "/v2/live", {"language_config": {"languages": codes}})
        assert answer.status_code == 201, answer.text


async def test_what_no_model_can_do_is_refused_with_what_to_install(
    english_only: ServerProcess,
) -> None:
    api = Api(english_only.url)
    for languages in (["fr"], ["en", "fr"]):
        answer = await api.call("POST", "/v2/live", {"language_config": {"languages": languages}})
        assert answer.status_code == 422
        assert "fr" in answer.text
        assert "vivavoce models pull whisper-base" in answer.text
    finals = await heard(english_only, [TIMES], [], switching=True)
    assert_heard(finals, "en", TIMES)


async def test_a_model_of_the_operators_own_is_used_for_all_its_languages(
    own_whisper: ServerProcess,
) -> None:
    async with httpx.AsyncClient(base_url=own_whisper.url) as client:
        ready = (await client.get("/ready")).json()
    assert list(ready["engines"]) == ["mine"]
    for clip, language in ((TIMES, "en"), (FRENCH, "fr")):
        finals = await heard(own_whisper, [clip], [language], switching=False)
        assert_heard(finals, language, clip)
