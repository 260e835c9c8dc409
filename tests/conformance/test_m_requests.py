"""M. Requests as shells, proxies, browsers and new clients send them."""

import asyncio

import httpx

from conformance.support import ENGLISH, SECOND, finish, mono, refusals
from integration.server_process import KEY
from integration.speech import TIMES, pieces
from integration.wire import Api, finals, session

PREFLIGHT = {
    "origin": "https://app.example",
    "access-control-request-method": "POST",
    "access-control-request-headers": "x-gladia-key",
    "access-control-request-private-network": "true",
}


async def test_157_space_around_a_key_and_a_trailing_slash(api: Api) -> None:
    """White space of any kind around the API key is ignored; `POST /v2/live/` is equivalent to `POST /v2/live`."""  # noqa: E501
    for key in (f"  {KEY}", f"{KEY} ", f"\t{KEY}\t", f"\xa0{KEY}\xa0"):
        assert await status_with(api, key) == 200, repr(key)
    made = await api.call("POST", "/v2/live/", ENGLISH)
    assert made.status_code == 201, made.text
    assert made.json()["url"].split("?")[0].endswith("/v2/live")
    assert (await api.call("DELETE", f"/v2/live/{made.json()['id']}")).status_code == 202
    inner = Api(api.url, f"{KEY[:3]} {KEY[3:]}")
    assert (await inner.call("GET", "/v2/live?limit=1")).status_code == 401


async def status_with(api: Api, key: str) -> int:
    """The status of a request whose key is written as it is; httpx refuses to."""
    host = httpx.URL(api.url)
    reader, writer = await asyncio.open_connection(host.host, host.port)
    head = f"GET /v2/live?limit=1 HTTP/1.1\r\nHost: {host.netloc.decode()}\r\n"
    writer.write(f"{head}X-Gladia-Key: {key}\r\nConnection: close\r\n\r\n".encode("latin-1"))
    answer = await reader.read()
    writer.close()
    return int(answer.split()[1])


LANGUAGES = {"yue": "yue", "YUE-HK": "yue", "cmn": "zh", "zho": "zh"}


async def test_158_new_models_and_languages_are_understood(api: Api) -> None:
    """An unknown model `solaria-*` is equivalent to `solaria-1`; `yue` is Cantonese if the model supports it, otherwise Chinese; other unknown values are refused."""  # noqa: E501
    for model in ("solaria-3", "solaria-mini-2", "Solaria-2.1-turbo"):
        made = await api.create(model=model, **ENGLISH)
        assert (await api.job(made.id))["request_params"]["model"] == "solaria-1"
    for sent, meant in LANGUAGES.items():
        async with session(api, language_config={"languages": [sent]}) as (made, talking):
            await finish(talking, pieces(mono(TIMES)[:SECOND], 6400))
        asked = (await api.job(made.id))["request_params"]["language_config"]
        assert asked["languages"] == [meant]
        assert {final["utterance"]["language"] for final in finals(talking.heard)} <= {meant, "zh"}
    for unknown in ({"model": "saturn-1"}, {"language_config": {"languages": ["xx"]}}):
        (fault,) = await refusals(api, **unknown)
        assert "must be one of the following values" in fault


async def test_159_private_networks_may_be_asked_for(api: Api) -> None:
    """A preflight request for access to a private network is granted, except on the operator's routes."""  # noqa: E501
    async with httpx.AsyncClient(base_url=api.url, headers=PREFLIGHT) as http:
        answer = await http.options("/v2/live")
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "*")
        assert answer.headers["access-control-allow-private-network"] == "true"
        for path in ("/metrics", "/ready"):
            refused = await http.options(path)
            assert not [name for name in refused.headers if name.startswith("access-control")]
    asked = {name: value for name, value in PREFLIGHT.items() if not name.endswith("network")}
    async with httpx.AsyncClient(base_url=api.url, headers=asked) as http:
        plain = await http.options("/v2/live")
        assert "access-control-allow-private-network" not in plain.headers
