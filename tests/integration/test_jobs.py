"""A session over HTTP: from queued to done, in lists, and deleted."""

import json
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from contract_defaults import DEFAULTS
from integration.server_process import ServerProcess
from integration.speech import BEST, spoken, word_error_rate
from integration.wire import PATIENCE, Api, Line, finals, session, spoken_through


async def test_an_empty_body_means_every_default(api: Api) -> None:
    made = await api.create()
    job = await api.job(made.id)
    assert job["request_params"] == DEFAULTS
    assert job["id"] == made.id
    assert job["request_id"] == f"G-{made.id[:8]}"
    assert (job["version"], job["kind"], job["status"]) == (2, "live", "queued")
    assert job["created_at"] == made.created_at
    assert job["post_session_metadata"] == {}
    assert [job[key] for key in ("completed_at", "file", "result", "error_code")] == [None] * 4
    assert "custom_metadata" not in job


async def test_the_address_of_the_socket_is_on_the_host_that_was_called(
    server: ServerProcess, api: Api
) -> None:
    made, other = await api.create(), await api.create()
    there = urlsplit(made.url)
    assert (there.scheme, there.netloc, there.path) == (
        "ws",
        urlsplit(server.url).netloc,
        "/v2/live",
    )
    assert made.id != other.id
    assert made.url != other.url


async def test_a_job_goes_from_queued_over_processing_to_done(api: Api) -> None:
    speech = spoken(BEST)
    metadata = {"user": "John", "nested": {"number": 4576}}
    async with session(api, custom_metadata=metadata) as (made, line):
        assert (await api.job(made.id))["status"] == "queued"
        await line.send(speech.pieces())
        working = await api.job_in(made.id, "processing")
        assert [working[key] for key in ("completed_at", "file", "result")] == [None] * 3
        await line.stop()
        await line.rest()
    job = await api.job(made.id)
    assert job["status"] == "done"  # at the latest when the socket has closed with 1000
    assert job["custom_metadata"] == metadata
    assert "custom_metadata" not in job["request_params"]
    assert datetime.fromisoformat(job["completed_at"]) > datetime.fromisoformat(job["created_at"])
    assert job["file"] == {
        "id": job["file"]["id"],
        "filename": f"{made.id}.wav",
        "source": None,
        "audio_duration": pytest.approx(speech.seconds, abs=1e-3),
        "number_of_channels": 1,
    }


async def test_the_result_is_what_the_messages_said(api: Api) -> None:
    speech = spoken(BEST)
    made, line = await spoken_through(api, speech.pieces())
    result = (await api.job(made.id))["result"]
    assert word_error_rate(speech.words, result["transcription"]["full_transcript"]) == 0
    assert result["transcription"]["utterances"] == [d["utterance"] for d in finals(line.heard)]
    assert result["transcription"]["languages"] == ["en"]
    facts = result["metadata"]
    assert facts["audio_duration"] == pytest.approx(speech.seconds, abs=1e-3)
    assert facts["billing_time"] == facts["audio_duration"]
    assert facts["number_of_distinct_channels"] == 1
    assert 0 < facts["transcription_time"] < PATIENCE
    assert told_again(result) == told(line)


def told(line: Line) -> list[Any]:
    """What a client was told, answers to its own messages aside."""
    answers = {"audio_chunk", "stop_recording"}
    return [message for message in line.heard if message["type"] not in answers]


def told_again(result: Any) -> list[Any]:
    assert all(isinstance(message, str) for message in result["messages"])
    return [json.loads(message) for message in result["messages"]]


async def test_notes_may_be_left_on_a_session(api: Api) -> None:
    made = await api.create()
    answer = await api.call("PATCH", f"/v2/live/{made.id}", {"ticket": 7})
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await api.job(made.id))["post_session_metadata"] == {"ticket": 7}


async def test_a_deleted_session_is_gone_with_its_recording(api: Api) -> None:
    made, _ = await spoken_through(api, spoken(BEST).pieces())
    gone = await api.call("DELETE", f"/v2/live/{made.id}")
    assert (gone.status_code, gone.content) == (202, b"")
    for method, path in (("GET", ""), ("GET", "/file"), ("DELETE", "")):
        answer = await api.call(method, f"/v2/live/{made.id}{path}")
        assert answer.status_code == 404


async def test_lists_are_filtered_and_followed_page_by_page(api: Api) -> None:
    owner = "a user of this test alone"
    made = [(await api.create(custom_metadata={"user": owner, "n": n})).id for n in range(3)]
    path = f"/v2/live?limit=2&custom_metadata[user]={owner}"
    first = (await api.call("GET", path)).json()
    assert [item["id"] for item in first["items"]] == [made[2], made[1]]
    second = (await api.call("GET", first["next"])).json()
    assert [item["id"] for item in second["items"]] == [made[0]]
    assert second["next"] is None
    again = (await api.call("GET", second["first"])).json()
    assert again["items"] == first["items"]
    by_json = json.dumps({"user": owner, "n": "1"})
    only = (await api.call("GET", f"/v2/live?custom_metadata={by_json}")).json()
    assert [item["id"] for item in only["items"]] == [made[1]]
    waiting = (await api.call("GET", f"{path}&status=done&status=error")).json()
    assert waiting["items"] == []


async def test_a_browser_of_any_origin_may_call(server: ServerProcess) -> None:
    wanted = {
        "origin": "https://app.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "x-gladia-key,x-gladia-version,content-type",
    }
    async with httpx.AsyncClient(base_url=server.url) as http:
        answer = await http.options("/v2/live", headers=wanted)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    allowed = answer.headers["access-control-allow-headers"].lower()
    assert all(name in allowed for name in ("x-gladia-key", "x-gladia-version", "content-type"))
