"""What the dispatcher does with a message that may be too large for its endpoint."""

import asyncio
from threading import get_ident

import pytest

import virtual_time
from delivery_world import OK, Behaviour, Step, world
from vivavoce.delivery import bodies, dispatcher
from vivavoce.delivery.bodies import LEAN_BYTES
from vivavoce.delivery.port import Answer
from vivavoce.protocol import messages as wire
from vivavoce.protocol.transcript import Transcription

ID = "45463597-20b7-4af7-b3b3-f5fb778203ab"
URL = "https://hear.example/calls"
CLOSING = wire.encode(
    wire.PostTranscript(
        session_id=ID,
        created_at="2026-11-21T08:00:00.101Z",
        data=Transcription("word " * 50_000, ("en",), ()),
    )
)


@pytest.fixture
def shrunk(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The limits that bodies were shrunk to."""
    limits: list[int] = []

    def noted(body: bytes, limit: int, base_url: str) -> bytes:
        limits.append(limit)
        return bodies.lean_body(body, limit, base_url)

    monkeypatch.setattr(dispatcher, "lean_body", noted)
    return limits


def sizes(behaviour: Behaviour) -> list[int]:
    """Sizes of the bodies that an endpoint is sent for one closing message."""

    async def story() -> list[int]:
        with world(behaviour) as made:
            made.announce(ID, URL, CLOSING)
            made.start()
            await made.until_quiet()
            await made.kill()
            return [len(one.body) for one in made.tries]

    return virtual_time.run(story())


def test_a_message_that_arrives_is_not_made_smaller(shrunk: list[int]) -> None:
    (size,) = sizes(lambda _url, _now: Step(OK))
    assert size > len(CLOSING)
    assert shrunk == []


def test_a_message_that_was_too_large_is_made_smaller_and_sent_again(shrunk: list[int]) -> None:
    answers = iter([Answer(413), OK])
    whole, lean = sizes(lambda _url, _now: Step(next(answers)))
    assert lean <= LEAN_BYTES < whole
    assert set(shrunk) == {LEAN_BYTES}


async def test_a_message_is_made_smaller_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []

    def noted(body: bytes, limit: int, base_url: str) -> bytes:
        del limit, base_url
        threads.append(get_ident())
        return body

    monkeypatch.setattr(dispatcher, "lean_body", noted)
    with world(lambda _url, _now: Step(OK, seconds=0), most=LEAN_BYTES) as made:
        made.announce(ID, URL, CLOSING)
        made.start()
        while not made.tries:  # noqa: ASYNC110  as long as a thread takes
            await asyncio.sleep(0)
        await made.kill()
    assert threads
    assert get_ident() not in threads
