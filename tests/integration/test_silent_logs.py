"""A server's log holds nothing of its clients, costs little under a flood, and names guessers."""

import asyncio
import base64
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from integration.server_process import ServerProcess
from integration.speech import BEGINNING, spoken
from integration.wire import Api, line, text

RIGHT_KEY = "marked-right-key-0001"
MARK = "marked4711"
NO_ANSWER = "http://127.0.0.1:9"


@pytest.fixture
def talkative(models: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server that logs all it can."""
    settings = {
        "VIVAVOCE_MODELS": str(models),
        "VIVAVOCE_LOG_LEVEL": "debug",
        "VIVAVOCE_CALLBACK_NETWORKS": "127.0.0.0/8",
        "VIVAVOCE_CALLBACK_PORTS": "9",
        "VIVAVOCE_WORKERS": "1",
    }
    with ServerProcess(tmp_path / "data", settings, key=RIGHT_KEY).running() as process:
        yield process


def holds(log: str, secret: str) -> bool:
    """Whether a log holds a secret, plain, percent-encoded, as base64 or in hex."""
    plain = unquote(log).lower()
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")[:-1]
    forms = (secret.lower(), quote(secret).lower(), secret.encode().hex())
    return any(form in plain for form in forms) or encoded in log


HALF = "Content-Length: 500\r\n\r\n"


def upgrade(token: str) -> str:
    """The head of a handshake, up to where headers may be added."""
    return (
        f"GET /v2/live?token={token} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    )


async def odd_requests(url: str) -> None:
    """Marks in every part of requests that are refused, and in some that are not."""
    headers = {
        "x-gladia-key": f"{MARK}-key",
        "authorization": f"Bearer {MARK}-bearer",
        "cookie": f"session={MARK}-cookie",
    }
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as http:
        await http.get("/v2/live", params={"x-gladia-key": f"{MARK}-query"})
        await http.get(f"/{MARK}-path?token={MARK}-token")
        await http.post("/v2/live", content=f'{{"encoding": "{MARK}"')
    address = url.replace("http", "ws")
    queries = (f"token={MARK}", f"%74oken={MARK}", f"TOKEN={MARK}", f"tok%65n={MARK}%20", MARK)
    for query in queries:
        with pytest.raises(InvalidStatus):
            await connect(f"{address}/v2/live?{query}", additional_headers=headers)
    broken = (
        f"{upgrade(MARK)}Bad header {MARK}\r\n\r\n",
        f"{upgrade(MARK)}Sec-WebSocket-Key: {MARK}\r\n\r\n",
        f"{MARK} nonsense\r\n\r\n",
        f"POST /v2/live HTTP/1.1\r\nHost: a\r\nx-gladia-key: {RIGHT_KEY}\r\n{HALF}{MARK}",
    )
    parts = urlsplit(url)
    for request in broken:
        _, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(request.encode())
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.close()


async def test_no_log_line_holds_anything_of_a_client(talkative: ServerProcess) -> None:
    """At debug transcripts, texts, keys and cookies were logged; at info ``%74oken=``."""
    api = Api(talkative.url, RIGHT_KEY)
    await odd_requests(talkative.url)
    hook = await api.call("POST", "/vivavoce/webhooks", {"url": f"{NO_ANSWER}/{MARK}?key={MARK}"})
    secret = hook.json()["secret"]
    await api.call("POST", f"/vivavoce/webhooks/{hook.json()['id']}/test")
    speech = spoken(BEGINNING)
    made = await api.create(
        custom_metadata={MARK: MARK},
        callback=True,
        callback_config={"url": f"{NO_ANSWER}/hook?secret={MARK}"},
        **speech.init,
    )
    async with line(made.url) as talking:
        await talking.socket.send(json.dumps({"type": MARK, "data": MARK}))
        await talking.socket.send(f'{{"type": "{MARK}')
        await talking.send(speech.pieces())
        await talking.stop()
        words = text(await talking.rest()).split()
    path = f"/v2/live/{made.id}"
    await api.done(made.id)
    await api.call("PATCH", path, {"note": MARK})
    await api.call("PATCH", path, raw=f'{{"{MARK}'.encode())
    async with line((await api.create(**speech.init)).url) as broken:
        broken.socket.transport.write(b"\x81\x84\0\0\0\0\xff\xfe" + MARK[:2].encode())
        await asyncio.sleep(0.3)
    assert talkative.terminate() == 0

    log = talkative.log
    token = made.url.partition("token=")[2]
    for hidden in (MARK, RIGHT_KEY, secret, secret.removeprefix("whsec_"), token):
        assert not holds(log, hidden), hidden
    spoken_words = " ".join(words[:4])
    assert spoken_words
    assert not holds(log, spoken_words)
    assert "Traceback" not in log, "what clients do wrong is no fault of the server"
    assert all(isinstance(json.loads(one), dict) for one in log.splitlines())


async def test_a_flood_of_refused_handshakes_hardly_reaches_the_log(
    talkative: ServerProcess,
) -> None:
    """Each cost 8.3 kB of log."""
    before, refused = len(talkative.log), 400
    parts = urlsplit(talkative.url)
    request = upgrade("x" * 7000) + "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    for _ in range(refused):
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(request.encode())
        assert b" 403 " in await reader.readline()
        writer.close()
    metrics = await Api(talkative.url, RIGHT_KEY).call("GET", "/metrics")
    assert sample(metrics.text, "vivavoce_unknown_tokens_total") == refused
    await asyncio.sleep(0.3)
    grown = talkative.log[before:]
    assert len(grown) < 100 * refused
    lines = [json.loads(one) for one in grown.splitlines()]
    told = [one for one in lines if one["event"] == "handshake_refused"]
    assert len(told) < refused / 10  # none, where there was one a moment before
    assert max(map(len, grown.splitlines()), default=0) < 300


def sample(exposed: str, name: str) -> float:
    """A metric's value."""
    families = text_string_to_metric_families(exposed)
    [value] = [one.value for family in families for one in family.samples if one.name == name]
    return value


async def test_guessers_of_keys_are_counted_logged_once_and_slowed(
    talkative: ServerProcess,
) -> None:
    """Thousands of guesses a second left no trace."""
    wrong, right = Api(talkative.url, "wrong"), Api(talkative.url, RIGHT_KEY)

    async def took(api: Api, path: str, status: int) -> float:
        begun = time.monotonic()
        assert (await api.call("GET", path)).status_code == status
        return time.monotonic() - begun

    for _ in range(20):
        await took(wrong, "/v2/live", 401)
    delays = await asyncio.gather(
        took(wrong, "/v2/live", 401),
        took(wrong, "/ready", 401),
        took(wrong, "/vivavoce/webhooks", 401),
        took(right, "/v2/live", 200),
        took(right, "/vivavoce/webhooks", 200),
    )
    assert min(delays[:3]) >= 1
    assert max(delays[3:]) < 1, "the right key does not wait behind the same address"
    exposed = (await right.call("GET", "/metrics")).text
    assert sample(exposed, "vivavoce_failed_keys_total") == 23
    assert len(re.findall('"key_refused"', talkative.log)) == 1
