"""K. Callbacks and webhooks: the messages of a session at an endpoint of its owner.

The endpoint is on loopback, which a server must be told to allow.
"""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

from conformance.receiver import PATIENCE, receiver
from conformance.support import (
    CALLBACKS_HERE,
    ENGLISH,
    EVERY_MESSAGE,
    PHRASE,
    KeyedServer,
    Run,
    mono,
    run,
)
from integration.speech import TIMES, pieces
from integration.wire import Api, Json, session

LAST = "live.end_session"


def calling(url: str, **flags: bool) -> Json:
    """A configuration with callbacks."""
    return {"callback": True, "callback_config": {"url": url, **flags}}


def payloads(bodies: list[Json]) -> list[Any]:
    """The messages in callbacks."""
    return [body["payload"] for body in bodies]


def is_final(message: Json) -> bool:
    """Whether a transcript is final."""
    return bool(message["data"]["is_final"])


def lasting(messages: list[Json]) -> list[Json]:
    """Messages that socket and endpoint both get: no partials, and no start of a session."""
    found = [one for one in messages if one["type"] != "start_session"]
    return [one for one in found if one["type"] != "transcript" or is_final(one)]


async def test_132_a_callback_wraps_the_message(api: Api) -> None:
    """`callback:true` → POST of `{id,event,payload}`, `event` = `live.` + type, payload equal to the socket message."""  # noqa: E501
    async with receiver() as endpoint:
        config = calling(endpoint.url, **EVERY_MESSAGE)
        found = await run(api, mono(TIMES), messages_config=EVERY_MESSAGE, **config)
        bodies = await endpoint.until(LAST)
    for body in bodies:
        assert set(body) == {"id", "event", "payload"}
        assert body["id"] == found.session.id
        assert body["event"] == f"live.{body['payload']['type']}"
    posted, told = lasting(payloads(bodies)), lasting(found.messages)
    assert all(one in told for one in posted)
    assert all(one in posted for one in told)


async def test_133_the_callback_flags_have_their_own_defaults(api: Api) -> None:
    """Default callback set: finals, realtime, post-processing, lifecycle; no partials, speech, acks, errors."""  # noqa: E501
    async with receiver() as endpoint:
        await run(api, mono(TIMES), messages_config=EVERY_MESSAGE, **calling(endpoint.url))
        bodies = await endpoint.until(LAST)
    assert [body["event"].removeprefix("live.") for body in bodies] == [
        *("start_session", "start_recording", "transcript", "transcript", "end_recording"),
        *("post_transcript", "post_final_transcript", "end_session"),
    ]
    assert all(is_final(one) for one in payloads(bodies) if one["type"] == "transcript")


async def test_134_without_callback_nothing_is_posted(api: Api) -> None:
    """`callback:false` with a config → nothing is sent."""
    async with receiver() as endpoint:
        config: Json = calling(endpoint.url, **EVERY_MESSAGE) | {"callback": False}
        await run(api, mono(PHRASE), **config)
        await asyncio.sleep(1)
        assert endpoint.calls == 0


async def test_135_callbacks_go_on_without_the_client(api: Api) -> None:
    """Callbacks continue after the client has disconnected."""
    async with receiver() as endpoint:
        async with session(api, **ENGLISH, **calling(endpoint.url)) as (made, talking):
            await talking.send(pieces(mono(TIMES), 6400))
            await talking.stop()
            await talking.next("stop_recording")
            talking.drop()
        bodies = await endpoint.until(LAST)
    job = await api.done(made.id)
    told = [one for one in payloads(bodies) if one["type"] == "post_final_transcript"]
    assert told[0]["data"]["transcription"] == job["result"]["transcription"]


async def test_136_a_dead_endpoint_slows_nobody(api: Api, plain: Run) -> None:
    """A dead callback endpoint does not slow transcription."""
    async with receiver(dead=True) as endpoint:
        async with asyncio.timeout(PATIENCE):
            found = await run(api, mono(TIMES), **calling(endpoint.url))
        assert found.result["transcription"] == plain.result["transcription"]
        assert endpoint.calls > 0


async def test_137_callbacks_arrive_in_order(api: Api) -> None:
    """Messages for one session arrive in order at a healthy endpoint."""
    async with receiver() as endpoint:
        config = calling(endpoint.url, receive_acknowledgments=True, receive_speech_events=True)
        found = await run(api, mono(TIMES) * 3, messages_config=EVERY_MESSAGE, **config)
        posted = payloads(await endpoint.until(LAST))
    acks = ("audio_chunk", "stop_recording")  # which overtake what the recogniser still works on
    kinds = {one["type"] for one in lasting(posted)}
    assert kinds >= {"audio_chunk", "transcript", "speech_start", "post_transcript"}
    for family in (set(acks), kinds - set(acks)):
        same = [one for one in lasting(posted) if one["type"] in family]
        assert same == [one for one in lasting(found.messages) if one["type"] in family]


async def test_138_webhooks_tell_of_four_events(tmp_path: Path) -> None:
    """Webhook bodies are `{event,payload:{id}}` for four events."""
    data = tmp_path / "data"
    with KeyedServer(data, {"VIVAVOCE_WORKERS": "1"} | CALLBACKS_HERE).running() as server:
        async with receiver() as endpoint:
            added = subprocess.run(  # noqa: ASYNC221  short, and nothing else goes on
                [sys.executable, "-m", "vivavoce", "webhooks", "add", endpoint.url],
                env={"VIVAVOCE_DATA": str(data)},
                capture_output=True,
                text=True,
                check=False,
            )
            assert added.returncode == 0, added.stderr
            found = await run(Api(server.url), mono(PHRASE))
            bodies = await endpoint.until(LAST)
    names = ("start_session", "start_recording", "end_recording", "end_session")
    assert bodies == [
        {"event": f"live.{name}", "payload": {"id": found.session.id}} for name in names
    ]
