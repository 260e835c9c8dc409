from datetime import UTC, date, datetime

import pytest
from starlette.datastructures import QueryParams

from vivavoce.archive.port import Query, Status
from vivavoce.protocol.validation import InvalidParametersError
from vivavoce.server.listing import page_links, parse_query


def faults(query: str) -> tuple[str, ...]:
    with pytest.raises(InvalidParametersError) as caught:
        parse_query(QueryParams(query))
    return caught.value.faults


def test_a_list_without_a_query_is_the_first_twenty() -> None:
    assert parse_query(QueryParams("")) == Query()


def test_every_parameter_is_understood() -> None:
    query = parse_query(
        QueryParams(
            "offset=3&limit=5&date=2026-11-21&before_date=2026-11-21T12:00:00Z"
            "&after_date=2026-11-20T12:00:00+02:00&status=done&status=error"
            '&custom_metadata[user]=John&custom_metadata={"a":{"b":1}}'
        )
    )
    assert query == Query(
        offset=3,
        limit=5,
        day=date(2026, 11, 21),
        before=datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp(),
        after=datetime(2026, 11, 20, 10, tzinfo=UTC).timestamp(),
        statuses=frozenset({Status.DONE, Status.ERROR}),
        texts={"user": "John"},
        contains={"a": {"b": 1}},
    )


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("offset=-1", "offset must not be less than 0"),
        ("limit=0", "limit must not be less than 1"),
        ("limit=1.5", "limit must be an integer"),
        ("limit=%D9%A3", "limit must be an integer"),
        ("offset=", "offset must be an integer"),
        ("date=yesterday", "date must be an ISO 8601 date or date-time"),
        ("before_date=%00", "before_date must be an ISO 8601 date or date-time"),
        (
            "status=gone",
            f"status must be one of the following values: {', '.join(Status)}",
        ),
        ("custom_metadata[]=x", "custom_metadata[] must be custom_metadata[key] or a JSON object"),
        (
            "custom_metadata[a][b]=x",
            "custom_metadata[a][b] must be custom_metadata[key] or a JSON object",
        ),
        ("custom_metadata=[]", "custom_metadata must be a JSON object"),
        ("custom_metadata=" + "[" * 2000, "custom_metadata must be a JSON object"),
        (
            "custom_metadata={%22a%22:[" + "1," * 1000 + "1]}",
            "custom_metadata must be shorter than or equal to 2000 characters",
        ),
    ],
)
def test_a_wrong_parameter_is_named(query: str, fault: str) -> None:
    assert faults(query) == (fault,)


def test_every_wrong_parameter_is_named_at_once() -> None:
    assert [fault.split()[0] for fault in faults("limit=x&offset=x&date=x")] == [
        "date",
        "offset",
        "limit",
    ]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
@pytest.mark.parametrize("name", ["date", "before_date", "after_date"])
def test_a_moment_beyond_the_calendar_in_utc_is_refused(name: str, moment: str) -> None:
    """It was a fault of the server."""
    assert faults(f"{name}={moment}") == (f"{name} must be an ISO 8601 date or date-time",)


def test_an_offset_of_any_size_is_a_whole_number() -> None:
    """More than 18 digits were refused as no integer."""
    assert (
        parse_query(QueryParams("offset=1449590025089077215232")).offset == 1449590025089077215232
    )


def test_links_repeat_every_filter() -> None:
    params = QueryParams("status=done&status=error&limit=2&offset=2&custom_metadata[a b]=ü")
    links = page_links("http://h/v2/live", params, parse_query(params), 4)
    filters = "status=done&status=error&limit=2&custom_metadata%5Ba+b%5D=%C3%BC"
    assert links.first == f"http://h/v2/live?{filters}&offset=0"
    assert links.current == f"http://h/v2/live?{filters}&offset=2"
    assert links.next == f"http://h/v2/live?{filters}&offset=4"
    assert page_links("http://h/v2/live", params, parse_query(params), None).next is None
