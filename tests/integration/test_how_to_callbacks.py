"""The endpoint of the how-to is a real one."""

import re
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from vivavoce.delivery.signing import sign

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "callbacks.md"
SECRET = "whsec_" + "A" * 43
WEBHOOK_SECRET = "whsec_" + "B" * 43
EVENT = b'{"event":"live.start_session","payload":{"id":"s1"}}'
BODY = b'{"id":"s1","event":"live.end_session","payload":{"type":"end_session","session_id":"s1","created_at":"t"}}'  # noqa: E501


async def test_the_endpoint_of_the_how_to_takes_what_is_signed_once_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CALLBACK_SECRET", SECRET)
    monkeypatch.setenv("WEBHOOK_SECRET", WEBHOOK_SECRET)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), names)  # noqa: S102  our own page
    headers = dict(sign([SECRET], "m1", int(time.time()), BODY))
    transport = httpx.ASGITransport(names["app"])
    async with httpx.AsyncClient(transport=transport, base_url="http://endpoint") as client:
        answers = [
            await client.post("/hook", content=BODY, headers=headers),
            await client.post("/hook", content=BODY, headers=headers),
            await client.post("/hook", content=BODY + b" ", headers=headers),
            await client.post("/hook", content=BODY),
        ]
        told = dict(sign([WEBHOOK_SECRET], "m2", int(time.time()), EVENT))
        answers += [
            await client.post("/life", content=EVENT, headers=told),
            await client.post("/life", content=EVENT, headers=told),
            await client.post("/hook", content=EVENT, headers=told),
        ]
    assert [answer.status_code for answer in answers] == [204, 204, 401, 401, 204, 204, 401]
    shown = capsys.readouterr().out
    assert shown.count("live.end_session") == 1
    assert shown.count("live.start_session") == 1
