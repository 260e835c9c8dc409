"""Where a break stands among audio that is stored, on its way, or still being placed."""

import asyncio
import random

import pytest

from vivavoce.audio.format import AudioFormat
from vivavoce.journal.memory import MemoryJournal
from vivavoce.journal.port import (
    BreakMarker,
    LiveSession,
    NewSession,
    SealedError,
    UnavailableError,
)
from vivavoce.protocol.request import InitRequest
from vivavoce.session.arrival import Arrival, DroppedError
from vivavoce.session.connections import Resumes
from vivavoce.session.live import AlreadyStoppedError, Limits, Live

LIMITS = Limits(duration=100, resume=300, farewell=15, idle=60, connect=3600, sessions=10)
AUDIO = random.Random(0).randbytes(64_000)
PIECE = 3_200


async def new_session() -> Live:
    """A live session in a journal of its own."""
    journal = MemoryJournal()
    session = NewSession("s", b"t", b"{}", 0.0, "default")
    await journal.create(session)
    stored = LiveSession(session, audio_end=0, sealed=False)
    return Live(
        stored, InitRequest(), AudioFormat(), journal, LIMITS, lambda: 0.0, resumes=Resumes()
    )


@pytest.fixture
async def live() -> Live:
    return await new_session()


async def connected(live: Live, position: int | None = None) -> Arrival:
    arrival = Arrival(live, position)
    await arrival.open()
    return arrival


async def markers(live: Live) -> list[BreakMarker]:
    journal = live._journal  # noqa: SLF001  what the session has journaled
    assert isinstance(journal, MemoryJournal)
    return list(await journal.read_markers(live.id, 0))


async def test_a_break_stands_behind_all_audio_that_was_taken_before_it(live: Live) -> None:
    arrival = await connected(live)
    before = [arrival.take(AUDIO[at : at + PIECE]) for at in range(0, 10 * PIECE, PIECE)]
    position = arrival.mark_break(0)
    after = arrival.take(AUDIO[10 * PIECE :])
    assert await position == 10 * PIECE
    assert [(await answer).byte_range[1] for answer in before][-1] == 10 * PIECE
    assert (await after).byte_range == (10 * PIECE, len(AUDIO))
    assert await markers(live) == [BreakMarker(1, 10 * PIECE, 0)]


@pytest.mark.parametrize("stated", [True, False])
async def test_a_break_among_audio_that_is_still_being_placed_keeps_its_place(
    live: Live, *, stated: bool
) -> None:
    await (await connected(live)).take(AUDIO[:20_000])
    arrival = await connected(live, 10_000 if stated else None)
    assert not arrival.holding
    first = arrival.take(AUDIO[10_000:30_000])
    assert arrival.holding
    position = arrival.mark_break()
    last = arrival.take(AUDIO[30_000:])
    assert await position == 30_000
    assert (await first).byte_range == (10_000, 30_000)
    assert (await last).byte_range == (30_000, len(AUDIO))
    assert await markers(live) == [BreakMarker(1, 30_000)]
    assert not arrival.holding


async def test_a_break_that_comes_again_with_audio_that_is_stored_is_not_marked_again(
    live: Live,
) -> None:
    """It was marked before the audio behind it was stored: to mark it at the end would cut."""
    first = await connected(live)
    stored = first.take(AUDIO[:10_000])
    assert await first.mark_break() == 10_000
    assert (await stored).byte_range == (0, 10_000)
    await first.take(AUDIO[10_000:20_000])
    second = await connected(live, 5_000)
    known = second.take(AUDIO[5_000:10_000])
    again = second.mark_break()
    assert (await known).byte_range == (5_000, 10_000)
    await second.take(AUDIO[10_000:])
    assert await again == 10_000
    third = await connected(live, 10_000)  # all before it was acknowledged, and it was not
    assert await third.mark_break() == 10_000
    assert await markers(live) == [BreakMarker(1, 10_000)]


async def test_a_break_that_comes_again_at_the_end_is_the_same(live: Live) -> None:
    first = await connected(live)
    stored = first.take(AUDIO[:10_000])
    assert await first.mark_break(1) == 10_000
    assert (await stored).byte_range == (0, 10_000)
    second = await connected(live, 5_000)
    known = second.take(AUDIO[5_000:10_000])
    assert await second.mark_break(1) == 10_000
    assert (await known).byte_range == (5_000, 10_000)
    assert await markers(live) == [BreakMarker(1, 10_000, 1)]


async def test_a_client_that_is_back_and_sends_nothing_can_be_marked(live: Live) -> None:
    await (await connected(live)).take(AUDIO[:10_000])
    assert await (await connected(live)).mark_break() == 10_000
    assert await (await connected(live, 10_000)).mark_break() == 10_000


async def test_a_break_of_a_connection_that_ended_before_it_was_placed_is_given_up(
    live: Live,
) -> None:
    await (await connected(live)).take(bytes(10_000))
    arrival = await connected(live)
    taken = arrival.take(bytes(1_000))  # silence: it may belong anywhere
    position = arrival.mark_break()
    await asyncio.sleep(0)
    await arrival.leave()
    with pytest.raises(DroppedError):
        await position
    with pytest.raises(DroppedError):
        await taken
    assert await markers(live) == []


async def test_no_break_is_marked_after_the_end_or_where_it_cannot_be_stored(live: Live) -> None:
    arrival = await connected(live)
    await arrival.take(AUDIO)
    journal = live._journal  # noqa: SLF001  as above
    assert isinstance(journal, MemoryJournal)
    journal.failure = UnavailableError("the disk is full")
    with pytest.raises(UnavailableError):
        await arrival.mark_break()
    journal.failure = None
    await journal.seal(live.id)  # by somebody else
    with pytest.raises(SealedError):
        await arrival.mark_break()
    await live.end()
    with pytest.raises(AlreadyStoppedError):
        await arrival.mark_break()
    again = await connected(await new_session())
    await again.stop()
    with pytest.raises(AlreadyStoppedError):
        await again.mark_break()
