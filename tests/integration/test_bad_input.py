"""Nonsense in HTTP and on the socket: a clear answer, and everybody else goes on."""

import json
import random
import re
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from integration.server_process import ServerProcess
from integration.speech import BEST, TIMES, spoken, word_error_rate
from integration.wire import Api, acks, of_type, session, spoken_through, text

NOBODY = "00000000-0000-0000-0000-000000000000"
ROUTES = [
    ("POST", "/v2/live"),
    ("GET", "/v2/live"),
    ("GET", f"/v2/live/{NOBODY}"),
    ("DELETE", f"/v2/live/{NOBODY}"),
    ("PATCH", f"/v2/live/{NOBODY}"),
    ("GET", f"/v2/live/{NOBODY}/file"),
]


def assert_error(answer: Any, status: int, method: str, path: str) -> Any:
    """An error in the one shape that clients know."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert set(body) - {"validation_errors"} == {
        "timestamp",
        "path",
        "request_id",
        "statusCode",
        "message",
    }
    assert body["statusCode"] == status
    assert body["path"] == path.partition("?")[0], method
    assert re.fullmatch(r"G-[0-9a-f]{8}", body["request_id"])
    assert body["message"]
    return body


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(
    ("key", "words"), [("", "no gladia key provided"), ("wrong", "gladia key not found")]
)
async def test_every_route_asks_for_the_key(
    server: ServerProcess, method: str, path: str, key: str, words: str
) -> None:
    answer = await Api(server.url, key).call(method, path)
    assert assert_error(answer, 401, method, path)["message"] == words


@pytest.mark.parametrize(("method", "path"), ROUTES[2:])
@pytest.mark.parametrize("name", [NOBODY, "not-a-uuid", "%2e%2e%2fetc"])
async def test_an_unknown_session_is_not_found(api: Api, method: str, path: str, name: str) -> None:
    path = path.replace(NOBODY, name)
    answer = await api.call(method, path, {} if method == "PATCH" else None)
    assert answer.status_code == 404
    assert answer.json()["statusCode"] == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/v2/lives"), ("PUT", "/v2/live"), ("POST", f"/v2/live/{NOBODY}")],
)
async def test_an_unknown_route_or_method_is_not_found(api: Api, method: str, path: str) -> None:
    body = assert_error(await api.call(method, path), 404, method, path)
    assert body["message"] == f"Cannot {method} {path}"


@pytest.mark.parametrize(
    ("init", "paths"),
    [
        ({"sample_rate": 22050}, ["sample_rate"]),
        ({"bit_depth": 12, "channels": 0}, ["bit_depth", "channels"]),
        ({"channels": 9, "endpointing": 0.009}, ["channels", "endpointing"]),
        ({"endpointing": 10.1}, ["endpointing"]),
        ({"maximum_duration_without_endpointing": 61}, ["maximum_duration_without_endpointing"]),
        ({"pre_processing": {"speech_threshold": 1.1}}, ["pre_processing.speech_threshold"]),
        ({"encoding": "mp3"}, ["encoding"]),
        ({"language_config": {"languages": ["xx"]}}, ["language_config.languages.0"]),
        ({"custom_metadata": {"long": "x" * 2000}}, ["custom_metadata"]),
        ({"callback": True, "callback_config": {"url": "ftp://x"}}, ["callback_config.url"]),
        (
            {"realtime_processing": {"translation": True}},
            ["realtime_processing.translation_config"],
        ),
    ],
)
async def test_wrong_parameters_are_all_named(api: Api, init: Any, paths: list[str]) -> None:
    body = assert_error(await api.call("POST", "/v2/live", init), 400, "POST", "/v2/live")
    assert [fault.split()[0] for fault in body["validation_errors"]] == paths
    assert all(re.match(r"\S+ (must|is required)", fault) for fault in body["validation_errors"])


@pytest.mark.parametrize("raw", [b"{", b"[]", b"\xff\xfe", b'{"a":' * 100_000, b"null"])
async def test_a_body_that_is_no_json_object_is_refused(api: Api, raw: bytes) -> None:
    assert_error(await api.call("POST", "/v2/live", raw=raw), 400, "POST", "/v2/live")
    made = await api.create()
    path = f"/v2/live/{made.id}"
    status = 413 if len(raw) > 100_000 else 400
    assert_error(await api.call("PATCH", path, raw=raw), status, "PATCH", path)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=x", "offset=-1", "status=lost", "date=yesterday"]
)
async def test_a_wrong_filter_is_refused(api: Api, query: str) -> None:
    path = f"/v2/live?{query}"
    body = assert_error(await api.call("GET", path), 400, "GET", path)
    assert body["validation_errors"][0].startswith(query.partition("=")[0])


async def test_notes_over_the_limit_are_refused(api: Api) -> None:
    made = await api.create()
    path = f"/v2/live/{made.id}"
    answer = await api.call("PATCH", path, {"long": "x" * 100_000})
    assert_error(answer, 413, "PATCH", path)
    assert (await api.job(made.id))["post_session_metadata"] == {}


async def test_a_session_under_way_can_be_neither_deleted_nor_downloaded(api: Api) -> None:
    async with session(api) as (made, line):
        await line.send(spoken(BEST).pieces())
        path = f"/v2/live/{made.id}"
        assert_error(await api.call("DELETE", path), 403, "DELETE", path)
        assert_error(await api.call("GET", f"{path}/file"), 404, "GET", f"{path}/file")
        await line.stop()
        await line.rest()
    assert (await api.call("DELETE", path)).status_code == 202


BAD_CHUNKS = [
    '{"type":"audio_chunk","data":{"chunk":"%%%"}}',
    '{"type":"audio_chunk","data":{"chunk":"QUICK"}}',
    '{"type":"audio_chunk","data":{"chunk":7}}',
    '{"type":"audio_chunk"}',
    '{"type":"audio_chunk","data":null}',
    '{"type":7}',
    "[]",
    "{",
    "hello",
    '{"a":' * 10_000,
    '{"type":"audio_chunk","data":{"chunk":"\\ud800"}}',
]


async def test_each_bad_message_is_refused_and_the_audio_around_it_counts(api: Api) -> None:
    speech = spoken(TIMES)
    chunks = speech.pieces()
    async with session(api) as (made, line):
        for bad, chunk in zip(BAD_CHUNKS, chunks, strict=False):
            await line.socket.send(bad)
            await line.send([chunk])
        await line.send(chunks[len(BAD_CHUNKS) :])
        await line.stop()
        heard = await line.rest()
    refused = [ack for ack in acks(heard) if not ack["acknowledged"]]
    assert len(refused) == len(BAD_CHUNKS)
    assert all(ack["error"]["message"] and ack["data"] is None for ack in refused)
    assert [ack for ack in acks(heard) if ack not in refused][-1]["data"]["byte_range"][1] == len(
        speech.audio
    )
    assert word_error_rate(speech.words, text(heard)) == 0
    assert (await api.recording(made.id)).endswith(speech.audio)


async def test_a_message_of_an_unknown_type_is_answered_by_an_error(api: Api) -> None:
    async with session(api) as (_, line):
        await line.socket.send(json.dumps({"type": "configure", "data": {}}))
        error = await line.next()
    assert error["type"] == "error"
    assert "configure" in error["error"]["message"]
    assert error["data"]["message"] == error["error"]["message"]
    assert error["data"]["code"]


async def test_a_client_that_sends_nothing_readable_is_let_go_and_its_session_kept(
    api: Api,
) -> None:
    speech = spoken(BEST)
    async with session(api) as (made, line):
        await line.send(speech.pieces())
        await line.acknowledged(len(speech.audio))
        for _ in range(100):
            await line.socket.send("{")
        heard = await line.rest()
    assert line.close_code == 4400
    assert len([ack for ack in acks(heard) if not ack["acknowledged"]]) <= 100
    async with connect(made.url) as again:
        await again.send('{"type":"stop_recording"}')
        await again.wait_closed()
    assert (await api.recording(made.id)).endswith(speech.audio)


async def test_a_file_of_another_kind_is_taken_as_noise_and_its_sender_is_told(api: Api) -> None:
    chance = random.Random(11)
    async with session(api) as (made, line):
        await line.send([b"ID3\x04" + chance.randbytes(64_000)])
        await line.acknowledged(64_004)
        await line.stop()
        heard = await line.rest()
    (notice,) = of_type(heard, "error")
    assert notice["data"]["code"] == "suspicious_audio"
    assert "MP3" in notice["error"]["message"]
    assert line.close_code == 1000
    assert (await api.recording(made.id)).startswith(b"RIFF")


async def test_a_flood_of_tiny_frames_is_slowed_and_loses_nothing(api: Api) -> None:
    speech = spoken(BEST)
    pieces = speech.pieces(8)
    assert len(pieces) > 5000
    async with session(api) as (made, line):
        await line.send(pieces)
        await line.stop()
        heard = await line.rest()
    assert len(of_type(heard, "audio_chunk")) == len(pieces)
    assert word_error_rate(speech.words, text(heard)) == 0
    assert (await api.recording(made.id)).endswith(speech.audio)


async def test_garbage_between_the_audio_changes_nothing(api: Api) -> None:
    speech = spoken(BEST)
    chance = random.Random(7)
    async with session(api) as (made, line):
        for chunk in speech.pieces(3200):
            await line.send([chunk])
            noise = chance.randbytes(chance.randrange(1, 200)).decode("latin-1")
            await line.socket.send(noise)
            await line.socket.send(json.dumps(chance.choice([None, 1, [], {}, {"type": None}])))
        await line.stop()
        heard = await line.rest()
    _, undisturbed = await spoken_through(api, speech.pieces(3200))
    assert text(heard) == text(undisturbed.heard)
    assert line.close_code == 1000
    assert (await api.recording(made.id)).endswith(speech.audio)
    assert len(of_type(heard, "audio_chunk")) == 3 * len(speech.pieces(3200))


async def test_text_that_is_no_unicode_ends_the_line_and_not_the_session(api: Api) -> None:
    speech = spoken(BEST)
    async with session(api) as (made, line):
        await line.send(speech.pieces())
        await line.acknowledged(len(speech.audio))
        line.socket.protocol.send_text(b"\xff\xfe")
        line.socket.transport.write(b"".join(line.socket.protocol.data_to_send()))
        await line.rest()
    assert line.close_code == 1007
    async with connect(made.url) as again:
        await again.send('{"type":"stop_recording"}')
        await again.wait_closed()
    job = await api.done(made.id)
    assert word_error_rate(speech.words, job["result"]["transcription"]["full_transcript"]) == 0


async def test_a_dead_or_unknown_token_is_refused_before_the_handshake(
    api: Api, server: ServerProcess
) -> None:
    made, _ = await spoken_through(api, [])
    address = server.url.replace("http", "ws")
    for url in (made.url, f"{address}/v2/live?token=unknown", f"{address}/v2/live"):
        with pytest.raises(InvalidStatus) as refused:
            await connect(url)
        assert refused.value.response.status_code == 403


async def test_the_key_does_not_stand_in_for_the_token(api: Api, server: ServerProcess) -> None:
    made = await api.create()
    address = server.url.replace("http", "ws")
    with pytest.raises(InvalidStatus):
        await connect(
            f"{address}/v2/live?token={made.id}", additional_headers={"x-gladia-key": "a"}
        )
