"""The asyncio client over real sockets, against a stand-in that misbehaves on command."""

import asyncio
import random

import httpx
import msgspec
import pytest

from integration.protocol_double import KEY, SESSION, ProtocolDouble, running, transcript
from vivavoce.client import (
    ApiError,
    Backoff,
    Client,
    Message,
    ProtocolError,
    Session,
    SessionClosedError,
    SessionStateError,
    State,
    UnknownMessage,
    UnreachableError,
)
from vivavoce.protocol.messages import AudioChunkAck, StopRecordingAck, Transcript
from vivavoce.protocol.request import InitRequest, LanguageConfig, MessagesConfig

QUICK = Backoff(base=0.01, cap=0.05, attempts=5)
NOISE = random.Random(1).randbytes(3200 * 40)
CHUNKS = [NOISE[at : at + 3200] for at in range(0, len(NOISE), 3200)]
QUIET = MessagesConfig(receive_acknowledgments=False)


async def spoken(session: Session) -> list[Message]:
    """Send the noise and collect every message until the end."""
    async with session:
        for chunk in CHUNKS:
            await session.send_audio(chunk)
            await asyncio.sleep(0)  # connections come and go in between
        await session.stop()
        return [message async for message in session]


async def create(url: str, request: InitRequest | None = None, **options: int) -> Session:
    async with Client(url, KEY) as client:
        return await client.create(request, backoff=QUICK, **options)


async def test_audio_arrives_and_messages_come_back() -> None:
    double = ProtocolDouble(says=[transcript("hello world", 0.1, 1.0)])
    async with running(double) as url:
        session = await create(url)
        messages = await spoken(session)
    assert double.stored == NOISE
    assert [m.data.id for m in messages if isinstance(m, Transcript)] == ["00_00000000"]
    assert isinstance(messages[-2], StopRecordingAck)
    assert session.acknowledged == len(NOISE)
    assert session.state is State.ENDED


async def test_a_cut_line_and_a_restart_lose_and_double_nothing() -> None:
    double = ProtocolDouble(drops=[(20_000, None), (50_000, 1012), (90_000, 1011)], ack_every=4)
    async with running(double) as url:
        await spoken(await create(url))
    assert double.stored == NOISE
    assert double.connections == 4


async def test_the_tail_is_resent_in_few_large_frames() -> None:
    double = ProtocolDouble(drops=[(len(NOISE), None)], ack_every=1000)
    async with running(double) as url:
        await spoken(await create(url))
    assert double.frames[-1] == len(NOISE)
    assert double.stored == NOISE


async def test_the_client_waits_for_slow_acknowledgements_with_bounded_memory() -> None:
    double = ProtocolDouble()
    double.acknowledging.clear()
    async with running(double) as url, await create(url, buffer_bytes=16_000) as session:
        sent = 0

        async def send() -> None:
            nonlocal sent
            for chunk in CHUNKS:
                await session.send_audio(chunk)
                sent += len(chunk)
            await session.stop()

        sending = asyncio.create_task(send(), name="sending")
        await double.heard.wait()
        for _ in range(20):
            await asyncio.sleep(0)
        assert sent == 16_000
        double.acknowledging.set()
        async for _message in session:
            pass
        await sending
    assert double.stored == NOISE


async def test_a_stop_lost_with_the_line_is_sent_again() -> None:
    double = ProtocolDouble(drops=[(len(NOISE), 1012)])
    async with running(double) as url:
        await spoken(await create(url))
    assert double.stops == 1
    assert double.stored == NOISE


@pytest.mark.parametrize("code", [1001, 4409])
async def test_a_final_close_code_is_told_to_reader_and_writer(code: int) -> None:
    double = ProtocolDouble(drops=[(3200, code)])
    async with running(double) as url, await create(url) as session:
        await session.send_audio(CHUNKS[0])
        with pytest.raises(SessionClosedError) as raised:
            [message async for message in session]
        assert raised.value.code == code
        with pytest.raises(SessionClosedError):
            await session.send_audio(CHUNKS[1])
    assert double.connections == 1


async def test_a_close_with_1000_ends_the_iteration_and_the_audio() -> None:
    double = ProtocolDouble(drops=[(3200, 1000)])
    async with running(double) as url, await create(url) as session:
        await session.send_audio(CHUNKS[0])
        assert [m async for m in session if isinstance(m, Transcript)] == []
        with pytest.raises(SessionClosedError):
            await session.send_audio(CHUNKS[1])
        await session.stop()  # harmless


async def test_a_refused_handshake_ends_the_session_at_once() -> None:
    double = ProtocolDouble(refusal=403)
    async with running(double) as url:
        with pytest.raises(SessionClosedError) as raised:
            await spoken(await create(url))
    assert raised.value.code == 403


async def test_a_server_that_stays_away_is_given_up() -> None:
    double = ProtocolDouble(refusal=503)
    async with running(double) as url:
        with pytest.raises(SessionClosedError, match="gave up after 5 attempts"):
            await spoken(await create(url))


async def test_a_server_that_does_not_speak_the_protocol_is_named() -> None:
    double = ProtocolDouble(raw=["<html>"])
    async with running(double) as url:
        with pytest.raises(ProtocolError, match="no JSON object: <html>"):
            await spoken(await create(url))


async def test_a_message_from_the_future_is_handed_on() -> None:
    double = ProtocolDouble(raw=['{"type":"weather","sky":"blue"}'])
    async with running(double) as url:
        messages = await spoken(await create(url))
    assert UnknownMessage("weather", {"type": "weather", "sky": "blue"}) in messages


async def test_acknowledgements_are_asked_for_even_when_not_wanted() -> None:
    double = ProtocolDouble()
    async with running(double) as url:
        session = await create(url, InitRequest(messages_config=QUIET))
        messages = await spoken(session)
    sent = msgspec.json.decode(double.requests[0][2], type=InitRequest)
    assert sent.messages_config.receive_acknowledgments
    assert not [m for m in messages if isinstance(m, AudioChunkAck | StopRecordingAck)]
    assert session.acknowledged == len(NOISE)


async def test_leaving_early_closes_the_socket() -> None:
    double = ProtocolDouble()
    async with running(double) as url:
        async with await create(url) as session:
            await session.send_audio(CHUNKS[0])
            async for _message in session:
                break
        with pytest.raises(SessionClosedError, match="left"):
            await session.send_audio(CHUNKS[1])


async def test_a_session_must_be_entered_once() -> None:
    session = Session("ws://127.0.0.1:1/")
    with pytest.raises(SessionStateError, match="enter"):
        await session.send_audio(b"ab")
    async with session:
        with pytest.raises(SessionStateError, match="only once"):
            await session.__aenter__()


async def test_a_bad_socket_address_is_named() -> None:
    async with Session("http://127.0.0.1/") as session:
        with pytest.raises(ProtocolError, match="no WebSocket URL"):
            [message async for message in session]


async def test_an_error_answer_becomes_an_exception_with_every_fault() -> None:
    body = (
        b'{"timestamp":"","path":"/v2/live","request_id":"G-12","statusCode":400,'
        b'"message":"Invalid parameter(s)","validation_errors":["channels must be less"]}'
    )
    double = ProtocolDouble(init_error=(400, body))
    async with running(double) as url:
        with pytest.raises(ApiError) as raised:
            await create(url)
    error = raised.value
    assert (error.status, error.message) == (400, "Invalid parameter(s)")
    assert error.faults == ("channels must be less",)
    assert error.request_id == "G-12"
    assert "channels must be less" in str(error)


async def test_an_error_page_of_a_proxy_is_shown_in_short() -> None:
    double = ProtocolDouble(init_error=(502, b"<h1>Bad\nGateway</h1>" + b"x" * 1000))
    async with running(double) as url:
        with pytest.raises(ApiError, match="<h1>Bad Gateway</h1>") as raised:
            await create(url)
    assert len(str(raised.value)) < 300


async def test_a_wrong_key_is_refused() -> None:
    async with running(ProtocolDouble()) as url, Client(url, "wrong") as client:
        with pytest.raises(ApiError, match="not found"):
            await client.create()


async def test_a_server_that_is_not_there_is_named() -> None:
    async with Client("http://127.0.0.1:1", KEY) as client:
        with pytest.raises(UnreachableError, match=r"http://127\.0\.0\.1:1"):
            await client.get(SESSION)


async def test_the_result_the_recording_and_the_deletion() -> None:
    double = ProtocolDouble(says=[transcript("hello", 0.0, 1.0)])
    async with running(double) as url, Client(url, KEY) as client:
        await spoken(await client.create(InitRequest(language_config=LanguageConfig(("en",)))))
        job = await client.get(SESSION)
        recording = b"".join([piece async for piece in client.file(SESSION)])
        await client.delete(SESSION)
        with pytest.raises(ApiError) as raised:
            await client.get("another")
    assert job.status == "done"
    assert job.result is not None
    assert job.result.metadata.audio_duration == 4.0
    assert recording == b"RIFF" + NOISE
    assert raised.value.status == 404
    assert [method for method, _, _ in double.requests] == ["POST", "GET", "GET", "DELETE", "GET"]


@pytest.mark.parametrize("url", ["", "127.0.0.1:8300", "ftp://host", "http://", "http://[::"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"address|URL"):
        Client(url)


async def test_pages_are_followed_on_the_own_host_only() -> None:
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        following = "http://elsewhere.example/v2/live?offset=1" if len(seen) == 1 else None
        item = {"id": str(len(seen)), "request_id": "", "status": "done", "created_at": ""}
        page = {"first": "", "current": "", "next": following, "items": [item]}
        return httpx.Response(200, json=page)

    transport = httpx.MockTransport(answer)
    async with Client("https://host/prefix", KEY, transport=transport) as client:
        pages = [page async for page in client.list(status=["done", "error"], page_size=1)]
    assert [item.id for page in pages for item in page.items] == ["1", "2"]
    assert seen == [
        "https://host/prefix/v2/live?limit=1&status=done&status=error",
        "https://host/prefix/v2/live?offset=1",
    ]
