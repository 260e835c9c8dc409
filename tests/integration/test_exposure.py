"""What a server shows to those it does not know: pages of other origins, proxies, other hosts."""

import httpx
import pytest

from integration.server_process import KEY, ServerProcess

FOREIGN_PAGE = {"origin": "https://evil.example"}


@pytest.mark.parametrize("path", ["/metrics", "/ready"])
async def test_no_web_page_may_read_what_is_for_the_operator(
    server: ServerProcess, path: str
) -> None:
    """Both answered with ``access-control-allow-origin: *``."""
    asks = {"access-control-request-method": "GET", "access-control-request-headers": "x"}
    async with httpx.AsyncClient(base_url=server.url) as http:
        answer = await http.get(path, headers=FOREIGN_PAGE)
        preflight = await http.options(path, headers=FOREIGN_PAGE | asks)
        api = await http.get("/v2/live", headers=FOREIGN_PAGE)
    for one in (answer, preflight):
        assert not [name for name in one.headers if name.startswith("access-control")]
    assert preflight.status_code == 404
    assert api.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "10.0.0.5:8300"},
        {"x-real-ip": "203.0.113.7"},
        {"x-forwarded-host": "speech.example.org", "x-forwarded-proto": "https"},
        {"via": "1.1 proxy"},
        {"forwarded": "for=203.0.113.7"},
    ],
)
async def test_metrics_and_details_are_closed_to_whatever_may_come_from_elsewhere(
    server: ServerProcess, headers: dict[str, str]
) -> None:
    async with httpx.AsyncClient(base_url=server.url) as http:
        assert (await http.get("/metrics", headers=headers)).status_code == 401
        probed = await http.get("/ready", headers=headers)
        assert probed.status_code in {200, 503}  # 503 while the models load
        assert probed.json() == {"ready": probed.status_code == 200}

        with_key = headers | {"x-gladia-key": KEY}
        assert (await http.get("/metrics", headers=with_key)).status_code == 200
        assert "engines" in (await http.get("/ready", headers=with_key)).json()


@pytest.mark.parametrize(
    "path", ["/health", "/ready", "/metrics", "/openapi.json", "/nowhere", "/v2/live"]
)
async def test_no_answer_is_left_to_a_browser_to_guess_its_type(
    server: ServerProcess, path: str
) -> None:
    async with httpx.AsyncClient(base_url=server.url) as http:
        answer = await http.get(path)
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
