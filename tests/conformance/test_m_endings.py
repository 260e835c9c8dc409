"""M. How real clients leave, and how a session ends for them."""

import asyncio
import json
import time

from websockets.exceptions import ConnectionClosed

from conformance.support import ENGLISH, SECOND, Run, finish, handshake_status, mono
from integration.speech import TIMES, pieces
from integration.wire import Api, Line, acks, line, of_type, session

CHUNK = 6400
CLOSING_SECONDS = 1.0
GRACE_SECONDS = 45
"""Three times the grace of a client that leaves; a broken connection is waited for 300 s."""


async def close_without_code(talking: Line) -> None:
    """Close as `ws.close()` does in a browser: the close frame has no code."""
    socket = talking.socket
    socket.protocol.send_close()
    for data in socket.protocol.data_to_send():
        socket.transport.write(data)
    await socket.wait_closed()


async def test_147_a_close_without_a_code_is_an_orderly_leave(api: Api, plain: Run) -> None:
    """A close frame without a code is equivalent to 1001: the session can be resumed within 15 s, then it ends as after a stop."""  # noqa: E501
    half = len(plain.audio) // CHUNK // 2 * CHUNK
    async with session(api, **ENGLISH) as (left, talking):
        await talking.send(pieces(plain.audio, CHUNK))
        await close_without_code(talking)
    since = time.monotonic()
    async with session(api, **ENGLISH) as (resumed, talking):
        await talking.send(pieces(plain.audio[:half], CHUNK))
        await talking.acknowledged(half)
        await close_without_code(talking)
    await asyncio.sleep(1.5)  # a housekeeping must not end it at once
    async with line(resumed.url, talking.history) as again:
        await finish(again, pieces(plain.audio[half:], CHUNK))
    for made in (left, resumed):
        job = await api.done(made.id)
        assert job["result"]["transcription"] == plain.result["transcription"]
        assert await api.recording(made.id) == plain.recording
    assert time.monotonic() - since < GRACE_SECONDS


async def test_148_a_client_learns_once_that_its_session_has_ended(tight: Api) -> None:
    """The handshake of a finished session is refused with 403 if its client has read the end; otherwise the client receives 101 and close 4403 once, then 403; unknown and deleted tokens receive 403."""  # noqa: E501
    read, away, deleted = [await tight.create(**ENGLISH) for _ in range(3)]
    async with line(read.url) as talking:
        await finish(talking, [bytes(CHUNK)])
    for left in (away, deleted):
        async with line(left.url) as talking:
            await talking.send([bytes(CHUNK)])
            await talking.stop()
            await talking.next("stop_recording")
            talking.drop()
    await asyncio.sleep(5)  # twice the grace of this server, and more
    assert await handshake_status(read.url) == 403
    assert await handshake_status(read.url.replace("token=", "token=x")) == 403
    assert (await tight.call("DELETE", f"/v2/live/{deleted.id}")).status_code == 202
    assert await handshake_status(deleted.url) == 403
    async with line(away.url) as again:
        assert await again.rest() == []
    assert (again.close_code, again.socket.close_reason) == (4403, "the session has ended")
    assert await handshake_status(away.url) == 403


async def test_151_an_end_by_the_server_is_named(tight: Api) -> None:
    """A session that the server ends because of missing audio or its maximum duration states the reason in an `error` message and in the close frame; earlier speech is transcribed."""  # noqa: E501
    audio = mono(TIMES)
    for sent, code, text in (
        (audio[:SECOND], "session_timeout", "no audio came for 2 s"),
        (audio * 2, "duration_limit", "the recording ends at 3 s"),
    ):
        async with session(tight, **ENGLISH) as (_, talking):
            await talking.send(pieces(sent, CHUNK))
            await talking.rest()
        (notice,) = of_type(talking.heard, "error")
        assert notice["data"]["code"] == code
        assert text in notice["data"]["message"]
        assert of_type(talking.heard, "post_final_transcript")
        assert talking.close_code == 1000
        assert (talking.socket.close_reason or "").startswith(f"{code}: {text}")


async def test_152_errors_carry_a_status_and_a_name(api: Api) -> None:
    """Every `error` object has `message`, `status_code` and `exception`; successful answers have `error: null`."""  # noqa: E501
    async with session(api, **ENGLISH) as (_, talking):
        await talking.send([bytes(CHUNK)])
        await talking.socket.send("no JSON")
        await talking.socket.send(json.dumps({"type": "greeting"}))
        await talking.stop()
        await finish(talking, [bytes(CHUNK)])
    accepted, *refused = acks(talking.heard)
    stop, second_stop = of_type(talking.heard, "stop_recording")
    (unknown,) = of_type(talking.heard, "error")
    assert (accepted["error"], stop["error"]) == (None, None)
    found = [message["error"] for message in (*refused, unknown, second_stop)]
    assert all(set(error) == {"message", "status_code", "exception"} for error in found)
    assert [(error["status_code"], error["exception"]) for error in found] == [
        *((400, "BadRequestError"), (409, "ConflictError")),
        *((400, "BadRequestError"), (409, "ConflictError")),
    ]


async def test_160_the_closing_messages_come_at_once(api: Api) -> None:
    """All closing messages come within 1 s of the last final."""
    took = []
    for _ in range(3):  # the machine may be busy with something else for a moment
        took.append(await closing_seconds(api))
        if took[-1] < CLOSING_SECONDS:
            break
    assert min(took) < CLOSING_SECONDS, took


async def closing_seconds(api: Api) -> float:
    """Time from the last final to the close, as the client sees it."""
    async with session(api, **ENGLISH) as (_, talking):
        await talking.send(pieces(mono(TIMES), CHUNK))
        await talking.stop()
        last_final = 0.0
        while True:
            try:
                message = await talking.next()
            except ConnectionClosed:
                break
            if message["type"] == "transcript":
                last_final = time.monotonic()
    assert last_final
    assert talking.heard[-1]["type"] == "post_final_transcript"
    assert talking.close_code == 1000
    return time.monotonic() - last_final
