"""B. Authentication and errors: keys, the one shape of refusals, limits, browsers."""

import re
from datetime import datetime

import httpx

from conformance.support import finish, handshake_status, refusals
from integration.server_process import KEY, ServerProcess
from integration.wire import Api, Json, session

NOBODY = "00000000-0000-0000-0000-000000000000"
ROUTES = (
    ("POST", "/v2/live"),
    ("GET", "/v2/live"),
    ("GET", f"/v2/live/{NOBODY}"),
    ("DELETE", f"/v2/live/{NOBODY}"),
    ("PATCH", f"/v2/live/{NOBODY}"),
    ("GET", f"/v2/live/{NOBODY}/file"),
)


INWARD = {"callback": True, "callback_config": {"url": "http://10.0.0.1/"}}
"""A request that is well formed and still refused: its callback would lead into a network."""


async def errors(server: ServerProcess) -> list[httpx.Response]:
    """A refusal of every kind."""
    api, keyless = Api(server.url), Api(server.url, "")
    return [
        await keyless.call("POST", "/v2/live", {}),
        await api.call("POST", "/v2/live", {"sample_rate": 1}),
        await api.call("POST", "/v2/live", raw=b"{"),
        await api.call("GET", f"/v2/live/{NOBODY}"),
        await api.call("GET", "/v2/live?limit=0"),
        await api.call("GET", "/nowhere"),
        await api.call("PUT", "/v2/live", {}),
        await api.call("POST", "/v2/live", INWARD),
    ]


async def test_027_a_call_without_a_key_is_refused(server: ServerProcess) -> None:
    """No key → 401, message says no key was given."""
    for method, path in ROUTES:
        answer = await Api(server.url, "").call(method, path)
        assert answer.status_code == 401
        assert answer.json()["message"] == "no gladia key provided"


async def test_028_a_wrong_key_is_refused(server: ServerProcess) -> None:
    """Wrong key → 401."""
    for method, path in ROUTES:
        answer = await Api(server.url, KEY + "x").call(method, path)
        assert answer.status_code == 401
        assert "not found" in answer.json()["message"]


async def test_029_every_error_has_the_same_body(server: ServerProcess) -> None:
    """Every error body has `timestamp`, `path`, `request_id`, `statusCode`, `message`."""
    for answer in await errors(server):
        body = answer.json()
        assert answer.headers["content-type"] == "application/json"
        assert set(body) - {"validation_errors"} == {
            *("timestamp", "path", "request_id", "statusCode", "message")
        }
        assert datetime.fromisoformat(body["timestamp"]).tzinfo
        assert body["path"] == answer.request.url.path
        assert body["statusCode"] == answer.status_code
        assert body["message"]


async def test_030_every_error_has_a_request_id(server: ServerProcess) -> None:
    """`request_id` matches `G-` + 8 hex."""
    ids = [answer.json()["request_id"] for answer in await errors(server)]
    assert all(re.fullmatch(r"G-[0-9a-f]{8}", one) for one in ids)
    assert len(set(ids)) == len(ids)


async def test_031_validation_errors_begin_with_the_path(api: Api) -> None:
    """`validation_errors` is an array of strings that start with the field path."""
    faults = await refusals(
        api,
        sample_rate=1,
        channels="two",
        pre_processing={"speech_threshold": 2},
        messages_config={"receive_errors": "yes"},
        realtime_processing={"custom_spelling_config": {}},
    )
    assert {fault.split(" ")[0] for fault in faults} == {
        "sample_rate",
        "channels",
        "pre_processing.speech_threshold",
        "messages_config.receive_errors",
        "realtime_processing.custom_spelling_config.spelling_dictionary",
    }
    assert all(re.match(r"[\w.]+ (must|is required)", fault) for fault in faults)


async def test_032_unknown_paths_and_methods_are_not_found(api: Api) -> None:
    """Unknown path and wrong method → 404 with the same body shape."""
    wrong = (("PUT", "/v2/live"), ("POST", f"/v2/live/{NOBODY}"), ("DELETE", "/v2/live"))
    unknown = (("GET", "/"), ("GET", "/v2"), ("GET", "/v2/live/a/b/c"), ("POST", "/v2/upload"))
    for method, path in wrong + unknown:
        answer = await api.call(method, path)
        assert answer.status_code == 404, (method, path)
        assert answer.json()["message"] == f"Cannot {method} {path}"
        assert answer.json()["path"] == path


async def test_033_one_session_too_many_is_refused(crowded: Api) -> None:
    """One session more than the plan allows → 429."""
    async with session(crowded) as (_, first), session(crowded) as (_, second):
        answer = await crowded.call("POST", "/v2/live", {})
        assert answer.status_code == 429
        assert "concurrent sessions" in answer.json()["message"]
        await finish(first)
        async with session(crowded) as (_, third):
            await finish(third)
        await finish(second)


async def test_034_browsers_may_call_from_anywhere(server: ServerProcess) -> None:
    """CORS preflight with `x-gladia-key,x-gladia-version,content-type` succeeds from any origin."""
    asked = {
        "origin": "https://page.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "x-gladia-key,x-gladia-version,content-type",
    }
    async with httpx.AsyncClient(base_url=server.url) as http:
        for method in ("GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"):
            headers = asked | {"access-control-request-method": method}
            preflight = await http.options("/v2/live", headers=headers)
            assert preflight.status_code in {200, 204}
            assert preflight.headers["access-control-allow-origin"] == "*"
            assert method in preflight.headers["access-control-allow-methods"]
            allowed = preflight.headers["access-control-allow-headers"].lower()
            assert all(name in allowed for name in ("x-gladia-key", "x-gladia-version"))
            assert "access-control-allow-credentials" not in preflight.headers
        refused = await http.get("/v2/live", headers={"origin": "https://page.example"})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "*"


async def test_035_the_socket_wants_its_token_and_no_key(api: Api) -> None:
    """The key is not needed, and not accepted as a substitute for the token, on the socket."""
    async with session(api) as (made, talking):  # opened without a key
        headers: Json = {"x-gladia-key": KEY}
        address = made.url.split("?")[0]
        for url in (address, f"{address}?token={KEY}", f"{address}?token={made.id}"):
            assert await handshake_status(url, additional_headers=headers) == 403
        await finish(talking)
