"""C. Job routes: pages and filters of the list."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, quote, urlsplit

import httpx

from conformance.support import label
from integration.server_process import KEY, ServerProcess
from integration.wire import Api, Json


async def listed(api: Api, query: str) -> Json:
    """A page of the list."""
    answer = await api.call("GET", f"/v2/live?{query}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def ids(api: Api, query: str) -> list[str]:
    """The ids on a page, in its order."""
    return [item["id"] for item in (await listed(api, query))["items"]]


def relative(url: str) -> str:
    """A link's query."""
    return urlsplit(url).query


async def test_050_a_page_has_its_links_and_twenty_items(api: Api) -> None:
    """List has `first`, `current`, `next`, `items`; default page size 20."""
    made = [await api.create() for _ in range(21)]
    page = await listed(api, "")
    assert set(page) == {"first", "current", "next", "items"}
    newest = [session.id for session in reversed(made)]
    assert [item["id"] for item in page["items"]] == newest[:20]
    assert page["next"]
    assert await ids(api, relative(page["first"])) == newest[:20]
    assert await ids(api, relative(page["current"])) == newest[:20]
    for wrong in ("limit=0", "limit=x", "offset=-1", "status=lost", "date=now"):
        refused = await api.call("GET", f"/v2/live?{wrong}")
        assert refused.status_code == 400
        assert refused.json()["validation_errors"][0].startswith(wrong.split("=")[0])


async def test_051_the_next_link_leads_to_the_last_page(api: Api) -> None:
    """`limit=1` gives a `next` that returns the following item; the last page has `next:null`."""
    name = label()
    older, newer = [(await api.create(custom_metadata={"run": name})).id for _ in range(2)]
    first = await listed(api, f"limit=1&custom_metadata[run]={name}")
    assert [item["id"] for item in first["items"]] == [newer]
    last = await listed(api, relative(first["next"]))
    assert [item["id"] for item in last["items"]] == [older]
    assert last["next"] is None


async def test_052_the_next_link_carries_every_filter(server: ServerProcess) -> None:
    """`next` carries every filter and points to the host that was called."""
    name, today = label(), f"{datetime.now(UTC):%Y-%m-%d}"
    headers = {"x-gladia-key": KEY, "host": "speech.example"}
    filters = {
        "limit": ["1"],
        "status": ["queued", "done"],
        "after_date": ["2020-01-01T00:00:00.000Z"],
        "before_date": ["2999-01-01T00:00:00+02:00"],
        "date": [today],
        "custom_metadata[run]": [name],
        "custom_metadata": [json.dumps({"run": name})],
    }
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as http:
        for _ in range(2):
            await http.post("/v2/live", json={"custom_metadata": {"run": name}})
        page = (await http.get("/v2/live", params=filters)).json()
    link = urlsplit(page["next"])
    assert (link.scheme, link.netloc, link.path) == ("http", "speech.example", "/v2/live")
    carried = parse_qs(link.query)
    assert carried.pop("offset") == ["1"]
    assert carried == filters


async def test_053_several_states_can_be_asked_for(tight: Api) -> None:
    """`status=done&status=error` filters by both."""
    never_connected = await tight.create()
    failed = await tight.job_in(never_connected.id, "error")
    assert failed["error_code"] == 408
    name = label()
    queued = await tight.create(custom_metadata={"run": name})
    both = await listed(tight, "status=done&status=error&limit=100")
    assert {item["status"] for item in both["items"]} <= {"done", "error"}
    assert never_connected.id in [item["id"] for item in both["items"]]
    assert queued.id not in [item["id"] for item in both["items"]]
    assert await ids(tight, f"status=queued&custom_metadata[run]={name}") == [queued.id]
    await tight.job_in(queued.id, "error")


async def test_054_days_and_moments_filter(api: Api) -> None:
    """`date`, `before_date`, `after_date` filter."""
    name = label()
    made = await api.create(custom_metadata={"run": name})
    at = datetime.fromisoformat(made.created_at)
    mine = f"custom_metadata[run]={name}"
    day = timedelta(days=1)
    for moment, found in ((at, [made.id]), (at - day, []), (at + day, [])):
        assert await ids(api, f"{mine}&date={moment:%Y-%m-%d}") == found
        assert await ids(api, f"{mine}&date={moment:%Y-%m-%dT%H:%M:%SZ}") == found
    for moment, before, after in ((at - day, [], [made.id]), (at + day, [made.id], [])):
        text = quote(moment.isoformat())
        assert await ids(api, f"{mine}&before_date={text}") == before
        assert await ids(api, f"{mine}&after_date={text}") == after


async def test_055_metadata_filters_in_both_spellings(api: Api) -> None:
    """`custom_metadata[user]=John` filters; so does `custom_metadata={"a":{"b":1}}`; a number matches its text."""  # noqa: E501
    name = label()
    metadata = {"run": name, "user": "John", "age": 42, "vip": True, "a": {"b": 1, "c": "x"}}
    made = await api.create(custom_metadata=metadata)
    await api.create(custom_metadata={"run": name, "user": "Jane", "age": 7, "a": {"b": 2}})
    mine = f"custom_metadata[run]={name}"
    for text in ("user]=John", "age]=42", "vip]=True", "vip]=true"):
        assert await ids(api, f"{mine}&custom_metadata[{text}") == [made.id]
        assert await ids(api, f"{mine}&{quote('custom_metadata[' + text, safe='=')}") == [made.id]
    for wanted in ({"a": {"b": 1}}, {"a": {"b": "1"}}, {"user": "John", "a": {"c": "x"}}):
        query = f"custom_metadata={quote(json.dumps({'run': name, **wanted}))}"
        assert await ids(api, query) == [made.id]
    assert await ids(api, f"{mine}&custom_metadata[user]=Jo") == []
    refused = await api.call("GET", "/v2/live?custom_metadata=%7B")
    assert refused.status_code == 400
