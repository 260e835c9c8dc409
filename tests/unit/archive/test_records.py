import asyncio
import sqlite3
import stat
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from vivavoce.archive.port import (
    ArchiveError,
    AudioFile,
    ExistsError,
    NewRecord,
    NotFinishedError,
    NotFoundError,
    Query,
    Record,
    Records,
    Status,
    UnavailableError,
)
from vivavoce.archive.records import SqlRecords


def new(name: str, created_at: float = 1.0, metadata: Any = None, owner: str = "me") -> NewRecord:
    custom = None if metadata is None else msgspec.json.encode(metadata)
    return NewRecord(
        id=name,
        owner=owner,
        created_at=created_at,
        request=b'{"model":"solaria-1"}',
        custom_metadata=custom,
    )


async def listed(records: Records, owner: str = "me", **filters: Any) -> list[str]:
    page = await records.list(owner, Query(**filters))
    return [record.id for record in page.records]


async def test_a_new_session_is_queued_with_everything_else_open(records: SqlRecords) -> None:
    await records.add(new("a", 12.25, {"k": "é"}))
    assert await records.get("a", "me") == Record(
        id="a",
        owner="me",
        created_at=12.25,
        request=b'{"model":"solaria-1"}',
        custom_metadata='{"k":"é"}'.encode(),
        status=Status.QUEUED,
        post_session_metadata=b"{}",
    )
    with pytest.raises(ExistsError):
        await records.add(new("a"))


async def test_a_session_goes_through_its_life_once(records: SqlRecords) -> None:
    await records.add(new("a"))
    assert await records.set_status("a", Status.PROCESSING)
    file = AudioFile("a.wav", 3.5, 2)
    assert await records.finish("a", b'{"x":1}', file, 20.0)
    done = await records.get("a", "me")
    assert (done.status, done.completed_at, done.result) == (Status.DONE, 20.0, b'{"x":1}')
    assert done.file == file
    assert not await records.finish("a", b"{}", None, 30.0)
    assert not await records.fail("a", 500, 30.0)
    assert not await records.set_status("a", Status.PROCESSING)
    assert await records.get("a", "me") == done
    with pytest.raises(ValueError, match="finishes"):
        await records.set_status("a", Status.DONE)


async def test_a_failed_session_keeps_its_code(records: SqlRecords) -> None:
    await records.add(new("a"))
    assert await records.fail("a", 503, 9.0)
    failed = await records.get("a", "me")
    assert (failed.status, failed.error_code, failed.completed_at) == (Status.ERROR, 503, 9.0)
    assert (failed.result, failed.file) == (None, None)


async def test_another_owners_sessions_are_not_found(records: SqlRecords) -> None:
    await records.add(new("a"))
    for call in (
        records.get("a", "you"),
        records.delete("a", "you"),
        records.patch("a", "you", b"{}"),
        records.get("none", "me"),
        records.delete("none", "me"),
        records.patch("none", "me", b"{}"),
        records.finish("none", b"{}", None, 1.0),
        records.fail("none", 500, 1.0),
        records.set_status("none", Status.PROCESSING),
    ):
        with pytest.raises(NotFoundError):
            await call
    assert await listed(records, "you") == []


async def test_only_finished_sessions_can_be_deleted(records: SqlRecords) -> None:
    await records.add(new("a"))
    with pytest.raises(NotFinishedError):
        await records.delete("a", "me")
    await records.set_status("a", Status.PROCESSING)
    with pytest.raises(NotFinishedError):
        await records.delete("a", "me")
    await records.finish("a", b"{}", None, 1.0)
    await records.delete("a", "me")
    with pytest.raises(NotFoundError):
        await records.get("a", "me")
    with pytest.raises(NotFoundError):
        await records.delete("a", "me")


async def test_a_patch_replaces_the_metadata_that_came_after(records: SqlRecords) -> None:
    await records.add(new("a"))
    await records.patch("a", "me", b'{"a":1}')
    await records.patch("a", "me", b'{"b":2}')
    assert (await records.get("a", "me")).post_session_metadata == b'{"b":2}'


async def test_lists_are_newest_first_and_paged_without_gap_or_repeat(
    records: SqlRecords,
) -> None:
    for name, at in (("b", 1.0), ("c", 2.0), ("a", 1.0), ("d", 0.5)):
        await records.add(new(name, at))
    assert await listed(records) == ["c", "b", "a", "d"]
    pages = [await records.list("me", Query(offset=n, limit=1)) for n in range(5)]
    assert [[r.id for r in page.records] for page in pages] == [["c"], ["b"], ["a"], ["d"], []]
    assert [page.more for page in pages] == [True, True, True, False, False]
    assert await listed(records, offset=10**30, limit=10**30) == []


async def test_a_list_and_a_summary_have_everything_but_the_results(records: SqlRecords) -> None:
    await records.add(new("a", metadata={"k": 1}))
    await records.finish("a", '{"x":"ü"}'.encode(), AudioFile("a.wav", 3.5, 2), 20.0)
    whole = await records.get("a", "me")
    assert whole.result == '{"x":"ü"}'.encode()
    bare = msgspec.structs.replace(whole, result=None)
    assert await records.summary("a", "me") == bare
    for filters in ({}, {"k": "1"}):
        assert (await records.list("me", Query(texts=filters))).records == [bare]
    with pytest.raises(NotFoundError):
        await records.summary("a", "you")


@pytest.mark.parametrize("filters", [{}, {"texts": {"k": "1"}}])
async def test_a_page_ends_before_it_is_too_large_but_has_one_record(
    records: SqlRecords, filters: dict[str, Any]
) -> None:
    for number, size in enumerate((10, 3000, 3000, 3000, 9000, 10)):
        made = new(str(number), number, metadata={"k": 1})
        request = msgspec.json.encode({"x": "x" * size})
        await records.add(msgspec.structs.replace(made, request=request))
    seen, pages = 0, []
    while True:
        query = Query(offset=seen, limit=5, most_bytes=8000, **filters)
        page = await records.list("me", query)
        pages.append([record.id for record in page.records])
        seen += len(page.records)
        if not page.more:
            break
    assert pages == [["5"], ["4"], ["3", "2"], ["1", "0"]]


async def test_results_that_were_stored_as_text_are_read(tmp_path: Path) -> None:
    records = await SqlRecords.open(f"sqlite:///{tmp_path}/records.sqlite")
    await records.add(new("a"))
    await records.finish("a", b"{}", None, 1.0)
    with sqlite3.connect(tmp_path / "records.sqlite") as other:
        other.execute("UPDATE session SET result = ?", ('{"x":"ü"}',))
    assert (await records.get("a", "me")).result == '{"x":"ü"}'.encode()
    await records.close()


async def test_dates_filter_by_whole_utc_days_and_by_instants(records: SqlRecords) -> None:
    midnight = datetime(2026, 11, 21, tzinfo=UTC).timestamp()
    times = {"before": midnight - 0.001, "first": midnight, "last": midnight + 86_399.999}
    times["after"] = midnight + 86_400
    for name, at in times.items():
        await records.add(new(name, at))
    assert await listed(records, day=date(2026, 11, 21)) == ["last", "first"]
    assert await listed(records, before=midnight) == ["before"]
    assert await listed(records, after=midnight) == ["after", "last", "first"]
    assert await listed(records, after=midnight, before=midnight + 1) == ["first"]
    assert await listed(records, day=date.max) == await listed(records, day=date.min) == []


async def test_statuses_filter_by_any_of_them(records: SqlRecords) -> None:
    for n, name in enumerate("abcd"):
        await records.add(new(name, float(n)))
    await records.set_status("b", Status.PROCESSING)
    await records.finish("c", b"{}", None, 9.0)
    await records.fail("d", 500, 9.0)
    both = frozenset({Status.DONE, Status.ERROR})
    assert await listed(records, statuses=both) == ["d", "c"]
    assert await listed(records, statuses=frozenset({Status.QUEUED})) == ["a"]


@pytest.mark.parametrize(
    ("stored", "texts", "contains", "found"),
    [
        ({"user": "John"}, {"user": "John"}, {}, True),
        ({"user": "John"}, {"user": "john"}, {}, False),
        ({"user": "John"}, {"name": "John"}, {}, False),
        ({"n": 4576}, {"n": "4576"}, {}, True),
        ({"n": 1.5}, {"n": "1.5"}, {}, True),
        ({"n": 2.0}, {"n": "2"}, {}, True),
        ({"b": True}, {"b": "true"}, {}, True),
        ({"b": True}, {"b": "True"}, {}, True),
        ({"b": True}, {"b": "1"}, {}, False),
        ({"o": {"a": 1}}, {"o": "{'a': 1}"}, {}, False),
        ({"a": "1", "b": "2"}, {"a": "1", "b": "3"}, {}, False),
        ({"p": {"last": 4576, "x": 1}}, {}, {"p": {"last": "4576"}}, True),
        ({"p": {"last": "4576"}}, {}, {"p": {"last": 4576}}, True),
        ({"p": {"last": "4576"}}, {}, {"p": {"first": 4576}}, False),
        ({"p": "x"}, {}, {"p": {}}, False),
        ({"l": [1, {"a": 2, "b": 3}]}, {}, {"l": [{"a": "2"}]}, True),
        ({"l": [1, 2]}, {}, {"l": [3]}, False),
        ({"l": [1, 2]}, {}, {"l": 1}, False),
        ({"z": None}, {}, {"z": None}, True),
        ({"a": 1, "b": 2}, {"a": "1"}, {"b": 2}, True),
        (None, {"a": "1"}, {}, False),
        (None, {}, {}, True),
    ],
)
async def test_metadata_is_compared_by_the_text_of_its_leaves(
    records: SqlRecords, stored: Any, texts: Any, contains: Any, *, found: bool
) -> None:
    await records.add(new("a", metadata=stored))
    assert await listed(records, texts=texts, contains=contains) == ["a"] * found


async def test_an_impossible_page_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        Query(offset=-1)
    with pytest.raises(ValueError, match="limit"):
        Query(limit=0)


async def test_a_locked_database_says_unavailable_and_works_again_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vivavoce.archive.database.BUSY_SECONDS", 0.05)
    records = await SqlRecords.open(f"sqlite:///{tmp_path}/records.sqlite")
    other = sqlite3.connect(tmp_path / "records.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(UnavailableError, match=r"^the records do not answer: database is locked$"):
        await records.add(new("a"))
    assert await listed(records) == []
    other.execute("ROLLBACK")
    other.close()
    await records.add(new("a"))
    await records.close()


async def test_records_survive_reopening_and_are_readable_by_the_owner_alone(
    tmp_path: Path,
) -> None:
    path = tmp_path / "data" / "records.sqlite"
    records = await SqlRecords.open(f"sqlite:///{path}")
    await asyncio.gather(*(records.add(new(str(n), n)) for n in range(20)))
    modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    await records.close()
    records = await SqlRecords.open(f"sqlite:///{path}")
    assert await listed(records) == [str(n) for n in reversed(range(20))]
    await records.close()


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "records.sqlite").write_bytes(b"something else" * 100)
    with pytest.raises(UnavailableError, match="not a database"):
        await SqlRecords.open(f"sqlite:///{tmp_path}/records.sqlite")


async def test_a_damaged_page_is_unavailable_and_nothing_is_made_up(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    records = await SqlRecords.open(f"sqlite:///{path}")
    await asyncio.gather(*(records.add(new(str(n), n)) for n in range(200)))
    await records.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: 3 * 4096] + b"noise" * 10_000 + whole[3 * 4096 + 50_000 :])
    records = await SqlRecords.open(f"sqlite:///{path}")
    with pytest.raises(UnavailableError, match="malformed"):
        await listed(records)
    await records.close()


async def test_a_failure_keeps_what_there_is_of_the_result(records: SqlRecords) -> None:
    await records.add(new("a"))
    file = AudioFile("a.wav", 3.5, 2)
    assert await records.fail("a", 500, 9.0, result=b'{"x":1}', file=file)
    failed = await records.get("a", "me")
    assert (failed.status, failed.result, failed.file) == (Status.ERROR, b'{"x":1}', file)
    assert not await records.fail("a", 503, 10.0)


async def test_a_result_replaces_a_failure_and_no_failure_replaces_a_result(
    records: SqlRecords,
) -> None:
    await records.add(new("a"))
    assert await records.fail("a", 500, 9.0)
    assert await records.finish("a", b"{}", None, 20.0)
    assert not await records.fail("a", 500, 30.0)
    done = await records.get("a", "me")
    assert (done.status, done.error_code, done.completed_at) == (Status.DONE, None, 20.0)


DAMAGES = {
    "status": "status = 'lost'",
    "file": "file = '{'",
    "request": "request = '{'",
    "metadata": "custom_metadata = '{'",
    "notes": "post_session_metadata = 'x'",
    "bytes": "request = x'00ff'",
    "text that is none": "request = CAST(x'22ff22' AS TEXT)",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
async def test_a_damaged_record_is_left_out_of_lists_that_show_the_others(
    tmp_path: Path, damage: str
) -> None:
    unreadable: list[str] = []
    path = tmp_path / "records.sqlite"
    records = await SqlRecords.open(
        f"sqlite:///{path}", on_unreadable=lambda session, _: unreadable.append(session)
    )
    for n, name in enumerate("abcde"):
        await records.add(new(name, float(n), {"k": "v"}))
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(f"UPDATE session SET {damage} WHERE id = 'c'")  # noqa: S608  of this file
    assert await listed(records) == ["e", "d", "b", "a"]
    assert set(unreadable) == {"c"}
    pages = [await listed(records, offset=n, limit=2) for n in (0, 2, 4)]
    assert pages == [["e", "d"], ["b"], ["a"]]
    assert await listed(records, texts={"k": "v"}) == ["e", "d", "b", "a"]
    assert await listed(records, contains={"k": "v"}) == ["e", "d", "b", "a"]
    with pytest.raises(ArchiveError):
        await records.get("c", "me")
    await records.close()
