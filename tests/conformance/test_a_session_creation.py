"""A. Session creation: what ``POST /v2/live`` takes, refuses and answers."""

import asyncio
import re
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from conformance.support import KeyedServer, accepts, label, raw_socket, refusals
from contract_defaults import DEFAULTS
from integration.server_process import KEY, ServerProcess
from integration.wire import Api, Json

LIVEKIT: dict[str, Any] = {
    "model": "solaria-1",
    "endpointing": 0.05,
    "maximum_duration_without_endpointing": 5,
    "encoding": "wav/pcm",
    "bit_depth": 16,
    "sample_rate": 16000,
    "channels": 1,
    "language_config": {"languages": [], "code_switching": True},
    "realtime_processing": {
        "words_accurate_timestamps": False,
        "custom_vocabulary": False,
        "custom_spelling": False,
    },
    "messages_config": {
        "receive_partial_transcripts": True,
        "receive_final_transcripts": True,
    },
    "pre_processing": {"audio_enhancer": False, "speech_threshold": 0.6},
    "custom_metadata": {"livekit": "1.8.9"},
}

PIPECAT: dict[str, Any] = {
    "encoding": "wav/pcm",
    "bit_depth": 16,
    "sample_rate": 16000,
    "channels": 1,
    "model": "solaria-1",
    "maximum_duration_without_endpointing": 5,
    "custom_metadata": {"pipecat": "1.14.0"},
}

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def test_001_an_empty_body_and_a_valid_key_make_a_session(api: Api) -> None:
    """`POST /v2/live` with `{}` and a valid key answers 201."""
    assert (await api.call("POST", "/v2/live", {})).status_code == 201


async def test_002_the_answer_has_id_created_at_and_url(api: Api) -> None:
    """The body has exactly usable `id` (UUID), `created_at` (ISO date-time), `url`."""
    body = (await api.call("POST", "/v2/live", {})).json()
    assert set(body) == {"id", "created_at", "url"}
    assert UUID.fullmatch(body["id"])
    assert datetime.fromisoformat(body["created_at"]).tzinfo
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["created_at"])
    assert urlsplit(body["url"]).scheme == "ws"


async def test_003_the_answer_is_json_by_its_content_type(api: Api) -> None:
    """`Content-Type` of the answer is `application/json`."""
    answer = await api.call("POST", "/v2/live", {})
    assert answer.headers["content-type"] == "application/json"


async def test_004_the_url_leads_to_the_host_that_was_called(server: ServerProcess) -> None:
    """`url` is absolute, `ws` for an http host and `wss` for https, of the host that was called."""
    port = urlsplit(server.url).port
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", "speech.example"):
        for protocol, scheme in (("http", "ws"), ("https", "wss")):
            headers = {"x-gladia-key": KEY, "host": host, "x-forwarded-proto": protocol}
            async with httpx.AsyncClient(base_url=server.url, headers=headers) as http:
                url = urlsplit((await http.post("/v2/live", json={})).json()["url"])
            assert (url.scheme, url.netloc, url.path) == (scheme, host, "/v2/live")


async def test_005_the_url_can_be_opened_without_any_header(api: Api) -> None:
    """`url` can be opened with no header at all."""
    made = await api.create()
    async with raw_socket(made.url, user_agent_header=None, additional_headers={}) as socket:
        await socket.send(bytes(320))
        assert await socket.recv()


async def test_006_the_region_is_accepted_in_the_query(api: Api) -> None:
    """`?region=eu-west` and `?region=us-west` are accepted; the answer does not change shape."""
    for region in ("eu-west", "us-west"):
        answer = await api.call("POST", f"/v2/live?region={region}", {})
        assert answer.status_code == 201
        assert set(answer.json()) == {"id", "created_at", "url"}


async def test_007_omitted_fields_get_their_defaults(api: Api) -> None:
    """Omitted fields get the defaults of the contract, visible in `request_params` of GET."""
    made = await api.create()
    assert (await api.job(made.id))["request_params"] == DEFAULTS


async def test_008_the_name_of_the_key_header_has_no_case(server: ServerProcess) -> None:
    """`x-gladia-key`, `X-Gladia-Key`, `X-GLADIA-KEY` are the same header."""
    for name in (b"x-gladia-key", b"X-Gladia-Key", b"X-GLADIA-KEY"):
        async with httpx.AsyncClient(base_url=server.url) as http:
            answer = await http.post("/v2/live", json={}, headers=[(name, KEY.encode())])
        assert answer.status_code == 201


async def test_009_unknown_fields_are_ignored(api: Api) -> None:
    """Unknown top-level and nested fields do not cause an error."""
    await accepts(
        api,
        region="eu-west",
        diarization=True,
        language_config={"languages": ["en"], "dialect": "scottish"},
        realtime_processing={"emotion_analysis": {"deep": [1, {"er": None}]}},
        messages_config={"receive_everything": "please"},
    )


async def test_010_words_accurate_timestamps_is_accepted(api: Api) -> None:
    """`realtime_processing.words_accurate_timestamps` is accepted."""
    for value in (False, True):
        await accepts(api, realtime_processing={"words_accurate_timestamps": value})


async def test_011_a_full_livekit_body_is_accepted(api: Api) -> None:
    """A full LiveKit body (translation off and on) is accepted."""
    translation = {
        "translation": True,
        "translation_config": {
            "target_languages": ["fr"],
            "model": "base",
            "match_original_utterances": True,
            "lipsync": True,
            "context_adaptation": False,
            "informal": False,
        },
    }
    await accepts(api, **LIVEKIT)
    realtime = LIVEKIT["realtime_processing"] | translation
    await accepts(api, **LIVEKIT | {"realtime_processing": realtime})


async def test_012_a_pipecat_body_leaves_acknowledgements_on(api: Api) -> None:
    """A Pipecat body without `messages_config` is accepted and acks are on."""
    made = await api.create(**PIPECAT)
    async with raw_socket(made.url) as socket:
        await socket.send(bytes(640))
        assert '"audio_chunk"' in str(await socket.recv())


async def test_013_an_unknown_sample_rate_is_refused(api: Api) -> None:
    """`sample_rate` outside the five values → 400 with `validation_errors`."""
    for rate in (0, 11025, 22050, 16001, "16000", -8000):
        assert (await refusals(api, sample_rate=rate))[0].startswith("sample_rate must be one of")
    for rate in (8000, 16000, 32000, 44100, 48000):
        await accepts(api, sample_rate=rate)


async def test_014_an_unknown_bit_depth_is_refused(api: Api) -> None:
    """`bit_depth` outside 8/16/24/32 → 400."""
    for depth in (0, 12, 64, "16"):
        assert (await refusals(api, bit_depth=depth))[0].startswith("bit_depth must be one of")


async def test_015_one_to_eight_channels_are_accepted(api: Api) -> None:
    """`channels` 0 or 9 → 400; 1 and 8 → 201."""
    for channels in (0, 9, -1, 1.5):
        assert (await refusals(api, channels=channels))[0].startswith("channels must")
    for channels in (1, 8):
        await accepts(api, channels=channels)


async def test_016_endpointing_has_its_range(api: Api) -> None:
    """`endpointing` 0.009 or 10.1 → 400; 0.01 and 10 → 201."""
    for seconds in (0.009, 10.1):
        assert (await refusals(api, endpointing=seconds))[0].startswith("endpointing must")
    for seconds in (0.01, 10):
        await accepts(api, endpointing=seconds)


async def test_017_the_maximum_duration_has_its_range(api: Api) -> None:
    """`maximum_duration_without_endpointing` 4.9 or 61 → 400; 5 and 60 → 201."""
    name = "maximum_duration_without_endpointing"
    for seconds in (4.9, 61):
        assert (await refusals(api, **{name: seconds}))[0].startswith(f"{name} must")
    for seconds in (5, 60):
        await accepts(api, **{name: seconds})


async def test_018_the_speech_threshold_has_its_range(api: Api) -> None:
    """`speech_threshold` −0.1 or 1.1 → 400."""  # noqa: RUF002  the contract's minus sign
    for threshold in (-0.1, 1.1):
        faults = await refusals(api, pre_processing={"speech_threshold": threshold})
        assert faults[0].startswith("pre_processing.speech_threshold must")
    for threshold in (0, 1):
        await accepts(api, pre_processing={"speech_threshold": threshold})


async def test_019_unknown_encodings_and_languages_are_refused(api: Api) -> None:
    """Unknown `encoding`, unknown language code, unknown translation target → 400."""
    assert (await refusals(api, encoding="audio/mp3"))[0].startswith("encoding must be one of")
    faults = await refusals(api, language_config={"languages": ["en", "tlh"]})
    assert faults[0].startswith("language_config.languages.1 must be one of")
    config = {"translation": True, "translation_config": {"target_languages": ["tlh"]}}
    faults = await refusals(api, realtime_processing=config)
    path = "realtime_processing.translation_config.target_languages.0"
    assert faults[0].startswith(f"{path} must be one of")


async def test_020_a_translation_needs_a_target(api: Api) -> None:
    """`translation:true` with `target_languages: []` → 400."""
    configs: list[Json | None] = [{"target_languages": []}, {}, None]
    for config in configs:
        await refusals(api, realtime_processing={"translation": True, "translation_config": config})


async def test_021_a_vocabulary_entry_is_a_text_or_has_a_value(api: Api) -> None:
    """A vocabulary entry may be a string or an object; an object without `value` → 400."""
    entries = ["Gladia", {"value": "Vivavoce", "intensity": 0.4, "pronunciations": ["viva"]}]

    def processing(*more: Json) -> Json:
        config = {"vocabulary": [*entries, *more]}
        return {"custom_vocabulary": True, "custom_vocabulary_config": config}

    await accepts(api, realtime_processing=processing())
    faults = await refusals(api, realtime_processing=processing({"intensity": 0.4}))
    path = "realtime_processing.custom_vocabulary_config.vocabulary.2.value"
    assert faults == [f"{path} is required"]


async def test_022_long_metadata_is_refused(api: Api) -> None:
    """`custom_metadata` over 2000 characters when serialised → 4xx."""
    await accepts(api, custom_metadata={"n": "x" * (2000 - len('{"n":""}'))})
    faults = await refusals(api, custom_metadata={"n": "x" * (2001 - len('{"n":""}'))})
    assert faults[0].startswith("custom_metadata must be")


async def test_023_a_callback_needs_a_uri(api: Api) -> None:
    """`callback_config.url` that is not a URI → 400 when `callback` is true."""
    for url in ("no uri", "/callbacks", "", None):
        faults = await refusals(api, callback=True, callback_config={"url": url})
        assert faults[0].startswith("callback_config.url must be")
    await accepts(api, callback=False, callback_config={"url": "no uri"})


async def test_024_a_body_that_is_not_json_is_refused(api: Api) -> None:
    """Body that is not JSON → 400 in the common error shape."""
    for body in (b"{", b"\xff\xfe", b"[]", b'"text"', b"{'a': 1}"):
        answer = await api.call("POST", "/v2/live", raw=body)
        assert answer.status_code == 400
        assert set(answer.json()) >= {"timestamp", "path", "request_id", "statusCode", "message"}


async def test_025_the_first_answer_of_a_cold_server_is_quick(tmp_path: Path) -> None:
    """The answer comes in under 10 s even with a cold model."""
    with KeyedServer(tmp_path / "data", {"VIVAVOCE_WORKERS": "1"}).running() as cold:
        async with asyncio.timeout(10):
            await Api(cold.url).create()


async def test_026_every_session_has_an_id_and_a_token_of_its_own(api: Api) -> None:
    """Two POSTs give two different ids and tokens."""
    name = label()
    made = [await api.create(custom_metadata={"same": name}) for _ in range(2)]
    tokens = [parse_qs(urlsplit(session.url).query)["token"][0] for session in made]
    assert len({uuid.UUID(session.id) for session in made}) == 2
    assert len(set(tokens)) == 2
    assert not set(tokens) & {session.id for session in made}
