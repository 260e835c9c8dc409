"""Requests at the edge of HTTP, against a real server: each gets an answer it can read."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from integration.server_process import KEY, ServerProcess
from integration.wire import Api, session

NOBODY = "00000000-0000-0000-0000-000000000000"
REQUIRED = {"timestamp", "path", "request_id", "statusCode", "message"}


@pytest.fixture
async def http(server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"x-gladia-key": KEY}
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as client:
        yield client


def refused(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The common error body."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body: dict[str, Any] = answer.json()
    assert body.keys() - {"validation_errors"} == REQUIRED
    assert body["statusCode"] == status
    assert body["path"] == answer.request.url.path
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["timestamp"])
    assert re.fullmatch(r"G-[0-9a-f]{8}", body["request_id"])
    return body


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/v2/live/"),
        ("GET", "/v2//live"),
        ("GET", "/v2/live/a/b/c"),
        ("PUT", "/v2/live"),
        ("DELETE", "/v2/live"),
        ("POST", f"/v2/live/{NOBODY}"),
        ("PATCH", f"/v2/live/{NOBODY}/file"),
        ("OPTIONS", "/v2/live"),
        ("TRACE", "/v2/live"),
        ("PROPFIND", "/v2/live"),
        ("POST", "/health"),
    ],
)
async def test_a_wrong_path_or_method_is_not_found(
    http: httpx.AsyncClient, method: str, path: str
) -> None:
    body = refused(await http.request(method, path), 404)
    assert body["message"] == f"Cannot {method} {path}"


@pytest.fixture
async def recording(server: ServerProcess) -> str:
    """The path of a recording of one second."""
    api = Api(server.url)
    async with session(api) as (made, talking):
        await talking.send([bytes(32_000)])
        await talking.stop()
        await talking.rest()
    await api.done(made.id)
    return f"/v2/live/{made.id}/file"


async def test_a_recording_is_read_in_ranges(http: httpx.AsyncClient, recording: str) -> None:
    whole = (await http.get(recording)).content
    for asked, part in (("0-3", whole[:4]), ("100-199", whole[100:200]), ("-8", whole[-8:])):
        answer = await http.get(recording, headers={"range": f"bytes={asked}"})
        assert (answer.status_code, answer.content) == (206, part)
    head = await http.head(recording)
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) == len(whole)


@pytest.mark.parametrize(
    ("asked", "status"), [("bytes=99999999-", 416), ("bytes=x-y", 400), ("bytes=5-2", 400)]
)
async def test_a_range_that_cannot_be_had_is_refused_in_the_common_shape(
    http: httpx.AsyncClient, recording: str, asked: str, status: int
) -> None:
    """It was answered in plain text."""
    answer = await http.get(recording, headers={"range": asked})
    refused(answer, status)
    assert ("content-range" in answer.headers) == (status == 416)
    head = await http.head(recording, headers={"range": asked})
    assert (head.status_code, head.content) == (status, b"")


@pytest.mark.parametrize(
    ("path", "status"), [("/v2/live", 200), ("/nothing", 404), (f"/v2/live/{NOBODY}", 404)]
)
async def test_an_answer_to_head_has_the_headers_of_get_and_no_body(
    server: ServerProcess, path: str, status: int
) -> None:
    at = httpx.URL(server.url)
    reader, writer = await asyncio.open_connection(at.host, at.port)
    head = f"HEAD {path} HTTP/1.1\r\nHost: {at.netloc.decode()}\r\nX-Gladia-Key: {KEY}\r\n"
    writer.write(f"{head}Connection: close\r\n\r\n".encode())
    fields, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert int(fields.split()[1]) == status
    assert b"content-type: application/json" in fields.lower()
    assert body == b""


@pytest.mark.parametrize("name", [NOBODY, "x", "%00", "%FF", "..%2F..%2Fetc", "a" * 8000])
@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH"])
async def test_an_id_of_nobody_is_not_found(
    http: httpx.AsyncClient, method: str, name: str
) -> None:
    answer = await http.request(method, f"/v2/live/{name}", content=b"{}")
    assert answer.status_code == 404
    assert answer.json().keys() == REQUIRED


@pytest.mark.parametrize("path", ["/v2/live", f"/v2/live/{NOBODY}", f"/v2/live/{NOBODY}/file"])
@pytest.mark.parametrize("headers", [{}, {"x-gladia-key": "ü".encode("latin-1")}])
async def test_without_a_known_key_nothing_is_told(
    server: ServerProcess, path: str, headers: dict[str, Any]
) -> None:
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as anybody:
        refused(await anybody.get(path), 401)


@pytest.mark.parametrize(
    "body",
    [b"\xff", b'{"model":"\xc3"}', b'"text"', b"[]", b"{", b"[" * 100_000, b'{"a":NaN}', b"a=b"],
)
async def test_a_body_that_is_no_json_object_is_refused(
    http: httpx.AsyncClient, body: bytes
) -> None:
    assert "JSON" in refused(await http.post("/v2/live", content=body), 400)["message"]


async def test_what_a_body_is_called_does_not_matter(http: httpx.AsyncClient) -> None:
    for kind in ("text/plain", "application/json; charset=latin-1", "nonsense", ""):
        answer = await http.post("/v2/live", content=b"{}", headers={"content-type": kind})
        assert answer.status_code == 201, kind


@pytest.mark.parametrize("size", [1_100_000, 20_000_000])
async def test_a_large_request_is_too_large(http: httpx.AsyncClient, size: int) -> None:
    refused(await http.post("/v2/live", content=b" " * size), 413)


async def test_notes_are_stored_up_to_their_limit(http: httpx.AsyncClient) -> None:
    session = (await http.post("/v2/live", json={})).json()["id"]
    notes = {"text": "\0ü" + "x" * 90_000}
    assert (await http.patch(f"/v2/live/{session}", json=notes)).status_code == 204
    shown = await http.get(f"/v2/live/{session}")
    assert shown.json()["post_session_metadata"] == notes
    large = json.dumps({"text": "x" * 100_000})
    refused(await http.patch(f"/v2/live/{session}", content=large), 413)
    deep = b'{"a":' + b"[" * 64 + b"]" * 64 + b"}"
    faults = refused(await http.patch(f"/v2/live/{session}", content=deep), 400)
    assert faults["validation_errors"] == [
        "post_session_metadata must be nested at most 64 levels deep"
    ]


async def test_metadata_with_odd_characters_can_be_looked_for(http: httpx.AsyncClient) -> None:
    metadata = {"a b&=\0": "ü 100% \U0001f600"}
    made = (await http.post("/v2/live", json={"custom_metadata": metadata})).json()
    params = {f"custom_metadata[{key}]": value for key, value in metadata.items()}
    page = (await http.get("/v2/live", params=params)).json()
    assert [job["id"] for job in page["items"]] == [made["id"]]
    assert page["items"][0]["custom_metadata"] == metadata
    again = (await http.get(page["current"])).json()
    assert again["items"] == page["items"]


async def test_the_last_of_repeated_parameters_counts(http: httpx.AsyncClient) -> None:
    answer = await http.get("/v2/live?limit=x&limit=1")
    assert answer.status_code == 200
    assert len(answer.json()["items"]) <= 1


async def test_a_head_is_a_get_without_its_body(http: httpx.AsyncClient) -> None:
    for path in ("/health", "/v2/live", "/openapi.json"):
        head = await http.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert int(head.headers["content-length"]) > 0


async def test_a_browser_of_any_origin_may_ask(http: httpx.AsyncClient) -> None:
    asked = {
        "origin": "https://example.org",
        "access-control-request-method": "PATCH",
        "access-control-request-headers": "x-gladia-key, x-gladia-version, content-type",
    }
    answer = await http.options("/v2/live", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "PATCH" in answer.headers["access-control-allow-methods"]
    allowed = answer.headers["access-control-allow-headers"].lower()
    assert {"x-gladia-key", "x-gladia-version", "content-type"} <= set(
        re.split(r"\s*,\s*", allowed)
    )
    told = await http.get("/nowhere", headers={"origin": "https://example.org"})
    assert told.headers["access-control-allow-origin"] == "*"


async def test_the_descriptions_need_no_key_and_name_the_server(server: ServerProcess) -> None:
    async with httpx.AsyncClient(base_url=server.url) as anybody:
        http_side = (await anybody.get("/openapi.json")).json()
        socket = (await anybody.get("/asyncapi.json")).json()
    assert http_side["servers"] == [{"url": server.url}]
    assert socket["servers"]["this"] == {
        "host": server.url.removeprefix("http://"),
        "protocol": "ws",
    }
