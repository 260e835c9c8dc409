"""Listing with any filter and page gives what sorting and filtering a plain list gives."""

import asyncio
import tempfile
from datetime import UTC, date, datetime
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.archive.port import NewRecord, Query, Record, Status
from vivavoce.archive.records import SqlRecords

MIDNIGHT = datetime(2026, 11, 21, tzinfo=UTC).timestamp()
TIMES = st.sampled_from([MIDNIGHT + n * 43_200 for n in range(-2, 5)])
LEAVES = st.sampled_from(["1", "true", "True", "a", 1, 1.0, 2, True, False, None])
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2)
    ),
    max_leaves=4,
)
METADATA = st.dictionaries(st.sampled_from(["a", "b"]), DOCUMENTS, max_size=2)
TEXTS = st.sampled_from(["1", "1.0", "true", "True", "a", "2", "null"])

RECORDS = st.lists(
    st.builds(
        Record,
        id=st.uuids().map(str),
        owner=st.sampled_from(["me", "you"]),
        created_at=TIMES,
        request=st.just(b"{}"),
        custom_metadata=st.none() | METADATA.map(msgspec.json.encode),
        status=st.sampled_from(Status),
    ),
    max_size=12,
    unique_by=lambda record: record.id,
)
QUERIES = st.builds(
    Query,
    offset=st.integers(0, 4),
    limit=st.integers(1, 4),
    day=st.none() | st.just(date(2026, 11, 21)),
    before=st.none() | TIMES,
    after=st.none() | TIMES,
    statuses=st.frozensets(st.sampled_from(Status), max_size=2),
    texts=st.dictionaries(st.sampled_from(["a", "b"]), TEXTS, max_size=1),
    contains=st.just({}) | METADATA,
)


def texts_of(leaf: Any) -> set[str]:
    spelled = {str(leaf), msgspec.json.encode(leaf).decode().strip('"')}
    return spelled | {str(int(leaf))} if isinstance(leaf, float) else spelled


def holds(wanted: Any, stored: Any) -> bool:
    if isinstance(wanted, dict) and isinstance(stored, dict):
        return all(key in stored and holds(value, stored[key]) for key, value in wanted.items())
    if isinstance(wanted, list) and isinstance(stored, list):
        return all(any(holds(value, other) for other in stored) for value in wanted)
    if isinstance(wanted, dict | list) or isinstance(stored, dict | list):
        return False
    return bool(texts_of(wanted) & texts_of(stored))


def wanted(record: Record, query: Query) -> bool:
    day = datetime.fromtimestamp(record.created_at, UTC).date()
    custom = msgspec.json.decode(record.custom_metadata or b"null")
    filtered = bool(query.texts or query.contains)
    return (
        record.owner == "me"
        and query.day in (None, day)
        and (query.before is None or record.created_at < query.before)
        and (query.after is None or record.created_at >= query.after)
        and (not query.statuses or record.status in query.statuses)
        and (not filtered or (custom is not None and holds(dict(query.contains), custom)))
        and all(holds(text, (custom or {}).get(key, [])) for key, text in query.texts.items())
    )


async def stored_and_listed(
    kept: list[Record], queries: list[Query]
) -> list[tuple[list[str], bool]]:
    with tempfile.TemporaryDirectory() as folder:
        records = await SqlRecords.open(f"sqlite:///{folder}/records.sqlite")
        for record in kept:
            names = NewRecord.__struct_fields__
            await records.add(NewRecord(**{name: getattr(record, name) for name in names}))
            if record.status is Status.PROCESSING:
                await records.set_status(record.id, record.status)
            elif record.status is Status.DONE:
                await records.finish(record.id, b"{}", None, 1.0)
            elif record.status is Status.ERROR:
                await records.fail(record.id, 500, 1.0)
        pages = [await records.list("me", query) for query in queries]
        await records.close()
    return [([record.id for record in page.records], page.more) for page in pages]


@settings(max_examples=60, deadline=None)
@given(kept=RECORDS, queries=st.lists(QUERIES, min_size=1, max_size=4))
def test_a_list_is_what_a_plain_list_would_give(kept: list[Record], queries: list[Query]) -> None:
    expected = []
    for query in queries:
        matching = [record for record in kept if wanted(record, query)]
        matching.sort(key=lambda record: (record.created_at, record.id), reverse=True)
        end = query.offset + query.limit
        names = [record.id for record in matching[query.offset : end]]
        expected.append((names, len(matching) > end))
    assert asyncio.run(stored_and_listed(kept, queries)) == expected
