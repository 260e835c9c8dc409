"""M. Behaviour of real clients beyond the documentation."""

from contextlib import AsyncExitStack

from conformance.support import finish, handshake_status
from integration.wire import Api, line


async def test_149_keys_can_be_checked_and_sessions_left_unopened(api: Api, crowded: Api) -> None:
    """`GET /v2/pre-recorded?limit=1` and `GET /v2/live?limit=1` answer a valid key only; a session that was never connected to does not count as concurrent and can be deleted."""  # noqa: E501
    for path in ("/v2/pre-recorded?limit=1", "/v2/live?limit=1"):
        page = await api.call("GET", path)
        assert page.status_code == 200
        assert set(page.json()) == {"first", "current", "next", "items"}
        for key in ("", "nobody's"):
            assert (await Api(api.url, key).call("GET", path)).status_code == 401
    empty = (await api.call("GET", "/v2/pre-recorded?limit=1")).json()
    assert (empty["items"], empty["next"]) == ([], None)
    assert empty["current"] == f"{api.url}/v2/pre-recorded?limit=1&offset=0"

    bare = [await crowded.create() for _ in range(4)]  # two may be open at once
    async with line(bare[0].url) as first, line(bare[1].url) as second:
        for left in bare[2:]:
            deleted = await crowded.call("DELETE", f"/v2/live/{left.id}")
            assert (deleted.status_code, deleted.content) == (202, b"")
            assert (await crowded.call("GET", f"/v2/live/{left.id}")).status_code == 404
            assert await handshake_status(left.url) == 403
        assert (await crowded.call("DELETE", f"/v2/live/{bare[0].id}")).status_code == 403
        await finish(first)
        await finish(second)


async def test_150_the_refusal_of_one_session_too_many_names_the_number(crowded: Api) -> None:
    """When too many sessions are open: 429, "Maximum number of concurrent sessions reached. …" with the number; sessions that never had a connection do not count."""  # noqa: E501
    bare = [await crowded.create() for _ in range(3)]
    async with AsyncExitStack() as open_lines:
        first, second = [await open_lines.enter_async_context(line(one.url)) for one in bare[:2]]
        answer = await crowded.call("POST", "/v2/live", {})
        assert answer.status_code == 429
        message = answer.json()["message"]
        assert message.startswith("Maximum number of concurrent sessions reached.")
        assert "only up to 2 sessions" in message
        assert await handshake_status(bare[2].url) == 429
        await finish(first)
        await finish(second)
