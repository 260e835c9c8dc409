"""D. Handshake and connection: who may connect, and how a socket behaves and ends."""

import asyncio
import json
import os
import time
from contextlib import AsyncExitStack
from pathlib import Path

from websockets.exceptions import ConnectionClosed

from conformance.support import (
    ENGLISH,
    EVERY_MESSAGE,
    MIB,
    KeyedServer,
    Run,
    finish,
    handshake_status,
    mono,
    raw_socket,
    run,
)
from integration.server_process import ServerProcess
from integration.speech import BEGINNING, BEST, TIMES, pieces
from integration.wire import PATIENCE, STOP, Api, line, session, text

REPLACED = 4409


async def test_056_a_valid_token_opens_the_socket(api: Api) -> None:
    """Valid token → 101 within 10 s."""
    made = await api.create()
    async with raw_socket(made.url, open_timeout=10) as socket:
        assert socket.response
        assert socket.response.status_code == 101


async def test_057_dead_tokens_are_refused_in_the_handshake(api: Api) -> None:
    """Unknown, finished or deleted token → HTTP 403, no upgrade."""
    over = await run(api, mono(BEST))
    base = over.session.url.split("?")[0]
    assert await handshake_status(over.session.url) == 403
    await api.call("DELETE", f"/v2/live/{over.session.id}")
    for url in (over.session.url, base, f"{base}?token=", f"{base}?token={'x' * 43}"):
        assert await handshake_status(url) == 403


async def test_058_no_path_opens_only_to_close(api: Api, server: ServerProcess) -> None:
    """No server path accepts a socket and closes it at once with a retryable code."""
    base = server.url.replace("http", "ws", 1)
    for path in ("/", "/v2", "/v2/live", "/v2/live/x", "/v2/live?token=%00", "/health"):
        assert await handshake_status(base + path) in {403, 404}
    async with session(api) as (made, talking):
        await finish(talking)
        for _ in range(5):  # whoever comes back at once finds it closed already
            assert await handshake_status(made.url) == 403


async def test_059_the_origin_of_a_browser_is_accepted(api: Api) -> None:
    """A browser `Origin` is accepted."""
    for origin in ("https://page.example", "http://localhost:3000", "null"):
        made = await api.create()
        async with raw_socket(made.url, origin=origin) as socket:
            await socket.send(STOP)
            assert await socket.recv()


async def test_060_pings_are_answered_under_full_load(api: Api) -> None:
    """The server answers pings within 20 s under full load."""
    audio = mono(BEGINNING)
    async with AsyncExitStack() as stack:
        lines = [
            (await stack.enter_async_context(session(api, **ENGLISH)))[1]
            for _ in range(2 * (os.cpu_count() or 1))
        ]
        working = [asyncio.create_task(finish(one, pieces(audio, 6400))) for one in lines]
        waited = 0.0
        while not all(task.done() for task in working):
            begun = time.monotonic()
            try:
                async with asyncio.timeout(20):
                    await asyncio.gather(*[await one.socket.ping() for one in lines])
            except ConnectionClosed:
                break  # one of them is through
            waited = max(waited, time.monotonic() - begun)
            await asyncio.sleep(0.1)
        await asyncio.gather(*working)
        assert all(one.close_code == 1000 for one in lines)
        assert waited > 0


async def test_061_frames_are_small_json_texts(api: Api) -> None:
    """Server frames are text, valid JSON objects, below 1 MiB."""
    made = await api.create(messages_config=EVERY_MESSAGE, **ENGLISH)
    kinds = set()
    async with raw_socket(made.url) as socket:
        for piece in pieces(mono(TIMES), 6400):
            await socket.send(piece)
        for wrong in ("no json", "[]", '{"type":"mystery"}', STOP, STOP):
            await socket.send(wrong)
        async for frame in socket:
            assert isinstance(frame, str)
            assert len(frame.encode()) < MIB
            message = json.loads(frame)
            kinds.add(message["type"])
            assert message["session_id"] == made.id
            assert message["created_at"].endswith("Z")
    assert kinds >= {"audio_chunk", "stop_recording", "transcript", "error", "post_transcript"}


async def test_062_a_restart_brings_the_client_back(tmp_path: Path, plain: Run) -> None:
    """On graceful restart the close code is one the SDK retries (1012), never 1001."""
    audio = mono(TIMES)
    half = len(audio) // 2
    server = KeyedServer(tmp_path / "data", {"VIVAVOCE_WORKERS": "1"})
    with server.running():
        api = Api(server.url)
        async with session(api, **ENGLISH) as (made, talking):
            await talking.send(pieces(audio[:half], 6400))
            await talking.acknowledged(half)
            code = await asyncio.to_thread(server.terminate)
            await talking.rest()
            assert talking.close_code == 1012
            assert code == 0
        server.start()
        async with line(made.url) as again:
            await finish(again, pieces(audio[half:], 6400))
            assert again.close_code == 1000
        job = await api.done(made.id)
    assert job["result"]["transcription"] == plain.result["transcription"]
    assert talking.heard[0]["type"] == "audio_chunk"


async def test_063_a_second_connection_takes_over(api: Api, plain: Run) -> None:
    """A second connection with the same token does not lose or duplicate audio."""
    audio = mono(TIMES)
    half, repeated = len(audio) // 2, 32_000
    async with session(api, **ENGLISH) as (made, first):
        await first.send(pieces(audio[:half], 6400))
        await first.acknowledged(half)
        async with line(made.url) as second:
            await first.rest()
            assert first.close_code == REPLACED
            # It has not seen the last acks of the other one, and sends again what they were for.
            start = (half - repeated) // 6400 * 6400
            await finish(second, pieces(audio[start:], 6400))
            assert second.close_code == 1000
    assert (await api.recording(made.id)).endswith(audio)
    result = (await api.done(made.id))["result"]
    assert result["transcription"] == plain.result["transcription"]


async def test_064_audio_may_come_before_any_message(api: Api) -> None:
    """Nothing has to be received before the client may send audio."""
    async with session(api, **ENGLISH) as (_, talking):
        await talking.send(pieces(mono(BEST), 6400))
        await talking.stop()
        async with asyncio.timeout(PATIENCE):
            assert "times" in text(await talking.rest())
