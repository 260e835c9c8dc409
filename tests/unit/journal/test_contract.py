import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Any, TypeVar, cast

import pytest

from vivavoce.journal.port import (
    BreakMarker,
    Entry,
    Journal,
    JournalError,
    NewSession,
    SealedError,
    UnavailableError,
    UnknownSessionError,
)

T = TypeVar("T")


def session(name: str, created_at: float = 1.0) -> NewSession:
    return NewSession(name, hashlib.sha256(name.encode()).digest(), b'{"a":1}', created_at, "me")


async def created(journal: Journal, name: str = "s") -> str:
    await journal.create(session(name))
    return name


async def collect(tail: AsyncIterator[T], enough: Callable[[list[T]], bool]) -> list[T]:
    got: list[T] = []
    async with aclosing(cast("Any", tail)):
        async for item in tail:
            got.append(item)
            if enough(got):
                break
    return got


async def everything(tail: AsyncIterator[T]) -> list[T]:
    return await collect(tail, lambda _: False)


def joined(items: Sequence[bytes | BreakMarker]) -> bytes:
    """The audio that a tail gave."""
    return b"".join(item for item in items if isinstance(item, bytes))


async def test_a_created_session_is_found_by_id_and_by_token(journal: Journal) -> None:
    new = session("s")
    await journal.create(new)
    found = await journal.find("s")
    assert found is not None
    assert (found.session, found.audio_end, found.sealed) == (new, 0, False)
    assert await journal.find_by_token(new.token_hash) == found
    assert await journal.find("t") is None
    assert await journal.find_by_token(b"x") is None


async def test_the_same_id_or_token_is_not_taken_twice(journal: Journal) -> None:
    await created(journal)
    with pytest.raises(JournalError):
        await journal.create(session("s"))
    twin = NewSession("t", session("s").token_hash, b"{}", 1.0, "me")
    with pytest.raises(JournalError):
        await journal.create(twin)


async def test_live_sessions_come_oldest_first(journal: Journal) -> None:
    for name, at in (("b", 2.0), ("a", 1.0), ("c", 3.0)):
        await journal.create(session(name, at))
    await journal.drop("c")
    assert [live.session.id for live in await journal.live()] == ["a", "b"]


async def test_appends_get_their_own_positions_in_the_order_of_the_calls(journal: Journal) -> None:
    s = await created(journal)
    chunks = [bytes([n]) * (n + 1) for n in range(50)]
    positions = await asyncio.gather(*(journal.append_audio(s, chunk) for chunk in chunks))
    whole = b"".join(chunks)
    assert [whole[start:end] for start, end in positions] == chunks
    assert await journal.read_audio(s, 0, 10_000) == whole
    found = await journal.find(s)
    assert found is not None
    assert found.audio_end == len(whole)


async def test_an_empty_append_changes_nothing(journal: Journal) -> None:
    s = await created(journal)
    await journal.append_audio(s, b"abc")
    assert await journal.append_audio(s, b"") == (3, 3)
    assert await journal.read_audio(s, 0, 9) == b"abc"


async def test_an_append_larger_than_a_row_reads_back_whole(journal: Journal) -> None:
    s = await created(journal)
    audio = bytes(range(256)) * 4096 * 3
    await journal.append_audio(s, b"x")
    assert await journal.append_audio(s, audio) == (1, 1 + len(audio))
    assert await journal.read_audio(s, 1, 1 + len(audio)) == audio
    assert await journal.read_audio(s, 300_000, 300_010) == audio[299_999:300_009]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, 6, b"abcdef"),
        (2, 4, b"cd"),
        (4, 99, b"ef"),
        (6, 9, b""),
        (7, 9, b""),
        (4, 2, b""),
        (-3, 2, b"ab"),
        (0, 0, b""),
        (3, 3, b""),
    ],
)
async def test_reads_are_clipped_to_what_there_is(
    journal: Journal, start: int, end: int, expected: bytes
) -> None:
    s = await created(journal)
    for piece in (b"abc", b"d", b"ef"):
        await journal.append_audio(s, piece)
    assert await journal.read_audio(s, start, end) == expected


async def test_a_sealed_session_takes_no_more_audio(journal: Journal) -> None:
    s = await created(journal)
    append = asyncio.ensure_future(journal.append_audio(s, b"abc"))
    await asyncio.sleep(0)
    assert await journal.seal(s) == 3
    assert await append == (0, 3)
    with pytest.raises(SealedError):
        await journal.append_audio(s, b"d")
    assert await journal.seal(s) == 3
    found = await journal.find(s)
    assert found is not None
    assert (found.sealed, found.audio_end) == (True, 3)


async def test_messages_are_numbered_from_one_also_after_the_seal(journal: Journal) -> None:
    s = await created(journal)
    assert await journal.commit(s, []) == 0
    assert await journal.commit(s, [b"a", b"b"]) == 2
    await journal.seal(s)
    assert await journal.commit(s, [b"c"], b"point") == 3
    assert await journal.read_messages(s, 0) == [Entry(1, b"a"), Entry(2, b"b"), Entry(3, b"c")]
    assert await journal.read_messages(s, 2) == [Entry(3, b"c")]
    assert await journal.read_messages(s, 3) == []


async def test_a_checkpoint_stands_until_it_is_replaced(journal: Journal) -> None:
    s = await created(journal)
    assert await journal.checkpoint(s) is None
    await journal.commit(s, [], b"one")
    await journal.commit(s, [b"m"])
    assert await journal.checkpoint(s) == b"one"
    await journal.commit(s, [], b"")
    assert await journal.checkpoint(s) == b""


async def test_unknown_sessions_are_named_in_every_error(journal: Journal) -> None:
    calls: list[Any] = [
        journal.append_audio("no", b"a"),
        journal.seal("no"),
        journal.read_audio("no", 0, 1),
        journal.commit("no", [b"m"]),
        journal.checkpoint("no"),
        journal.read_messages("no", 0),
        journal.claim("no", "me", 1.0),
        anext(journal.tail_audio("no", 0)),
        anext(journal.tail_messages("no", 0)),
    ]
    for call in calls:
        with pytest.raises(UnknownSessionError, match="no"):
            await call
    await journal.release("no", "me")
    await journal.drop("no")


async def test_a_dropped_session_is_forgotten_and_others_are_not(journal: Journal) -> None:
    s, other = await created(journal), await created(journal, "t")
    for name in (s, other):
        await journal.append_audio(name, name.encode() * 9)
        await journal.commit(name, [name.encode()], b"p")
    await journal.drop(s)
    await journal.drop(s)
    assert await journal.find(s) is None
    with pytest.raises(UnknownSessionError):
        await journal.append_audio(s, b"a")
    assert await journal.read_audio(other, 0, 99) == b"t" * 9
    assert await journal.read_messages(other, 0) == [Entry(1, b"t")]


async def test_a_lease_keeps_others_out_until_it_ends(journal: Journal, clock: Any) -> None:
    s = await created(journal)
    assert await journal.claim(s, "a", 10)
    assert not await journal.claim(s, "b", 10)
    clock.now += 9
    assert await journal.claim(s, "a", 10)
    clock.now += 9
    assert not await journal.claim(s, "b", 10)
    clock.now += 1
    assert await journal.claim(s, "b", 10)
    await journal.release(s, "a")
    assert not await journal.claim(s, "a", 10)
    await journal.release(s, "b")
    assert await journal.claim(s, "a", 10)


async def test_an_audio_tail_gives_what_was_and_what_comes_up_to_the_seal(
    journal: Journal,
) -> None:
    s = await created(journal)
    await journal.append_audio(s, b"0123456789")
    tail = asyncio.ensure_future(everything(journal.tail_audio(s, 4)))
    for n in range(20):
        await journal.append_audio(s, bytes([65 + n]))
    await journal.seal(s)
    assert joined(await tail) == b"456789" + bytes(range(65, 85))


async def test_a_live_tail_gives_a_marker_between_the_bytes_around_it(journal: Journal) -> None:
    s = await created(journal)
    tail = asyncio.ensure_future(everything(journal.tail_audio(s, 0)))
    await asyncio.sleep(0)
    appended = [
        journal.append_audio(s, b"abc"),
        journal.mark_break(s),
        journal.append_audio(s, b"def"),
        journal.mark_break(s, 1),
    ]
    await asyncio.gather(*appended)
    await journal.seal(s)
    assert await tail == [b"abc", BreakMarker(1, 3), b"def", BreakMarker(2, 6, 1)]


async def test_a_waiting_tail_wakes_for_a_marker(journal: Journal) -> None:
    s = await created(journal)
    await journal.append_audio(s, b"abc")
    tail = journal.tail_audio(s, 3, lambda _: False)
    first = asyncio.ensure_future(anext(tail))
    await asyncio.sleep(0)
    marker = await journal.mark_break(s)
    assert await first == marker == BreakMarker(1, 3)


async def test_the_same_break_is_marked_once_and_none_after_the_end(journal: Journal) -> None:
    s = await created(journal)
    await journal.append_audio(s, b"abc")
    marks = await asyncio.gather(*(journal.mark_break(s, c) for c in (None, None, 1, 1, None)))
    assert [mark.number for mark in marks] == [1, 1, 2, 2, 3]
    await journal.seal(s)
    with pytest.raises(SealedError):
        await journal.mark_break(s)


async def test_a_tail_leaves_out_markers_that_were_applied(journal: Journal) -> None:
    s = await created(journal)
    for piece in (b"ab", b"cd", b"ef"):
        await journal.append_audio(s, piece)
        await journal.mark_break(s)
    await journal.seal(s)
    assert await everything(journal.tail_audio(s, 1, after_marker=1)) == [
        b"bcd",
        BreakMarker(2, 4),
        b"ef",
        BreakMarker(3, 6),
    ]


async def test_a_tail_of_a_sealed_session_ends_by_itself(journal: Journal) -> None:
    s = await created(journal)
    await journal.append_audio(s, b"abc")
    await journal.seal(s)
    assert await everything(journal.tail_audio(s, 0)) == [b"abc"]
    assert await everything(journal.tail_audio(s, 3)) == []
    assert await everything(journal.tail_audio(s, 9)) == []


async def test_a_tail_far_behind_catches_up_in_bounded_blocks(journal: Journal) -> None:
    s = await created(journal)
    audio = bytes(range(251)) * 8000
    for offset in range(0, len(audio), 100_000):
        await journal.append_audio(s, audio[offset : offset + 100_000])
    await journal.seal(s)
    blocks = await everything(journal.tail_audio(s, 17))
    assert joined(blocks) == audio[17:]
    assert max(len(block) for block in blocks if isinstance(block, bytes)) <= 256 * 1024


async def test_a_tail_that_is_not_read_holds_a_bounded_amount_and_misses_nothing(
    journal: Journal,
) -> None:
    s = await created(journal)
    tail = journal.tail_audio(s, 0)
    first = asyncio.ensure_future(anext(tail))
    await asyncio.sleep(0)
    pieces = [bytes([n]) * 60_000 for n in range(20)]
    for piece in pieces:
        await journal.append_audio(s, piece)
    await journal.seal(s)
    blocks = [await first, *await everything(tail)]
    assert joined(blocks) == b"".join(pieces)
    assert max(len(block) for block in blocks if isinstance(block, bytes)) <= 256 * 1024


async def test_two_tails_from_different_positions_see_the_same_bytes(journal: Journal) -> None:
    s = await created(journal)
    await journal.append_audio(s, b"abcdef")
    tails = [asyncio.ensure_future(everything(journal.tail_audio(s, n))) for n in (0, 5, 8)]
    await asyncio.sleep(0)
    await journal.append_audio(s, b"ghi")
    await journal.append_audio(s, b"jkl")
    await journal.seal(s)
    assert [joined(await tail) for tail in tails] == [b"abcdefghijkl", b"fghijkl", b"ijkl"]


async def test_a_message_tail_gives_what_was_and_what_comes_until_the_drop(
    journal: Journal,
) -> None:
    s = await created(journal)
    await journal.commit(s, [b"1", b"2"])
    tail = journal.tail_messages(s, 1)
    assert await anext(tail) == Entry(2, b"2")
    rest = asyncio.ensure_future(everything(tail))
    for n in range(3, 40):
        await journal.commit(s, [str(n).encode(), b"and"])
    expected = await journal.read_messages(s, 2)
    await journal.drop(s)
    assert await rest == expected


async def test_a_message_tail_far_behind_reads_everything_in_order(journal: Journal) -> None:
    s = await created(journal)
    await journal.commit(s, [str(n).encode() for n in range(1, 1001)])
    got = await collect(journal.tail_messages(s, 0), lambda got: len(got) == 1000)
    assert got == [Entry(n, str(n).encode()) for n in range(1, 1001)]


async def test_a_drop_ends_an_audio_tail_that_has_not_seen_the_seal(journal: Journal) -> None:
    s = await created(journal)
    tail = asyncio.ensure_future(everything(journal.tail_audio(s, 0)))
    await journal.append_audio(s, b"abc")
    await journal.drop(s)
    with pytest.raises(UnknownSessionError):
        await tail


async def test_cancelled_and_closed_tails_leave_nothing_behind(journal: Journal) -> None:
    s = await created(journal)
    tasks = [
        asyncio.ensure_future(everything(journal.tail_audio(s, 0))),
        asyncio.ensure_future(everything(journal.tail_messages(s, 0))),
    ]
    closed = cast("Any", journal.tail_audio(s, 0))
    await journal.append_audio(s, b"a")
    assert await anext(closed) == b"a"
    await closed.aclose()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(cast("Any", journal)._tails) == 0  # noqa: SLF001 -- a leak shows nowhere else


async def test_a_closed_journal_refuses_and_its_tails_end_with_an_error(journal: Journal) -> None:
    s = await created(journal)
    tail = asyncio.ensure_future(everything(journal.tail_audio(s, 0)))
    await journal.append_audio(s, b"a")
    await journal.close()
    with pytest.raises(UnavailableError):
        await tail
    with pytest.raises(UnavailableError):
        await journal.append_audio(s, b"b")
    with pytest.raises(UnavailableError):
        await journal.find(s)
    await journal.close()


async def test_appends_of_many_sessions_at_once_stay_apart(journal: Journal) -> None:
    names = [await created(journal, f"s{n}") for n in range(20)]

    async def feed(name: str) -> None:
        for n in range(10):
            await journal.append_audio(name, f"{name}:{n};".encode())

    await asyncio.gather(*map(feed, names))
    for name in names:
        expected = "".join(f"{name}:{n};" for n in range(10)).encode()
        assert await journal.read_audio(name, 0, 10_000) == expected


async def test_a_tail_sleeps_through_audio_that_is_not_worth_waking_for(journal: Journal) -> None:
    s = await created(journal)
    tail = journal.tail_audio(s, 0, lambda audio: audio != b".")
    await journal.append_audio(s, b"?")
    assert await anext(tail) == b"?"  # now it has caught up with what is stored
    first = asyncio.ensure_future(anext(tail))
    await asyncio.sleep(0)
    for piece in (b".", b".", b"!"):
        await journal.append_audio(s, piece)
    assert await first == b"..!"
    rest = asyncio.ensure_future(everything(tail))
    await journal.append_audio(s, b".")
    await journal.seal(s)
    assert joined(await rest) == b"."


async def test_a_tail_gets_all_of_what_was_too_much_to_keep_while_it_slept(
    journal: Journal,
) -> None:
    s = await created(journal)
    tail = asyncio.ensure_future(everything(journal.tail_audio(s, 0, lambda _: False)))
    pieces = [bytes([number]) * 100_000 for number in range(6)]
    for piece in pieces:
        await journal.append_audio(s, piece)
    await journal.seal(s)
    assert joined(await tail) == b"".join(pieces)
