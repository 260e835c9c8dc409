"""What the holder of a key or a token can do costs the others nothing, and has bounds."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from integration.server_process import ServerProcess
from integration.test_metrics import metrics
from integration.wire import Api, acks, session

STALL = 0.1
"""Processor seconds of the event loop at a time: twenty times its promise, for busy machines."""
MIB = 1 << 20
VOCABULARY = "realtime_processing.custom_vocabulary_config.vocabulary"


async def stalls(api: Api) -> float:
    """How often the event loop has used more than ``STALL`` seconds before it answered."""
    answer = await api.call("GET", "/metrics")
    found = {"": 0.0}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            if sample.name == "vivavoce_loop_busy_seconds_bucket":
                found[sample.labels["le"]] = sample.value
    return found["+Inf"] - found[str(STALL)]


def vocabulary(count: int) -> bytes:
    entries = ",".join('"a"' for _ in range(count))
    return (
        b'{"realtime_processing":{"custom_vocabulary_config":{"vocabulary":['
        + entries.encode()
        + b"]}}}"
    )


async def test_bodies_of_a_megabyte_are_refused_by_their_bounds_and_stall_nothing(
    own: ServerProcess,
) -> None:
    """Each used to be accepted, and to hold the event loop for 200 to 400 ms."""
    api = Api(own.url)
    await api.call("POST", "/v2/live", {})
    before = await stalls(api)
    languages = b'{"language_config":{"languages":[' + b'"en",' * 190_000 + b'"en"]}}'
    nested = b'{"a":[' + b"[]," * 330_000 + b"[]]}"
    faults = set()
    for body in (vocabulary(240_000), languages, nested) * 4:
        answer = await api.call("POST", "/v2/live", raw=body)
        assert answer.status_code == 400
        faults |= set(answer.json()["validation_errors"])
    assert faults == {
        f"{VOCABULARY} must contain no more than 1000 elements",
        "language_config.languages must contain no more than 100 elements",
        "the body must contain no more than 20000 values",
    }
    assert (await api.call("POST", "/v2/live", raw=vocabulary(1000))).status_code == 201
    assert await stalls(api) == before


async def test_long_texts_are_refused_by_their_length(api: Api) -> None:
    shapes = (
        '{"type":"x","a":[' + "[]," * MIB + "[]]}",
        '{"type":"x",' + '"a":1,' * MIB + '"b":2}',
        '{"type":"stop_recording","a":"' + "a" * 70_000 + '"}',
    )
    async with session(api) as (_, talking):
        for shape in shapes:
            await talking.socket.send(shape)
        await talking.send([bytes(3200)])
        await talking.stop()
        heard = await talking.rest()
    assert [ack["data"]["byte_range"] for ack in acks(heard) if ack["acknowledged"]] == [[0, 3200]]
    refusals = [ack["error"]["message"] for ack in acks(heard) if not ack["acknowledged"]]
    assert len(refusals) == len(shapes)
    assert all("more than 65536 bytes" in refusal for refusal in refusals)
    assert talking.close_code == 1000


async def test_long_texts_count_as_unreadable(api: Api) -> None:
    async with session(api) as (_, talking):
        for _ in range(100):
            await talking.socket.send('{"type":"stop_recording","a":"' + "a" * 66_000 + '"}')
        await talking.rest()
    assert talking.close_code == 4400


async def test_a_page_of_large_sessions_has_fewer_of_them_and_no_results(
    own: ServerProcess,
) -> None:
    api = Api(own.url)
    context = {"target_languages": ["fr"], "context": "x" * 400_000}
    made = [
        (await api.create(realtime_processing={"translation_config": context})).id for _ in range(5)
    ]
    async with session(api) as (ended, talking):
        await talking.stop()
        await talking.rest()
    await api.done(ended.id)
    found, path = [], "/v2/live?limit=100"
    while path:
        answer = await api.call("GET", path)
        assert len(answer.content) <= MIB
        page = answer.json()
        found += page["items"]
        path = page["next"]
    assert [item["id"] for item in found] == [ended.id, *reversed(made)]
    assert all(item["result"] is None for item in found)
    assert found[0]["status"] == "done"
    assert (await api.job(ended.id))["result"]["messages"]
    assert (await api.job(made[0]))["request_params"]["realtime_processing"]


@pytest.fixture
def full(models: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server whose disk has less than its reserve."""
    chosen = {"VIVAVOCE_MODELS": str(models), "VIVAVOCE_DISK_RESERVE": str(10**9)}
    with ServerProcess(tmp_path / "data", chosen).running() as process:
        yield process


async def test_a_nearly_full_disk_refuses_new_sessions_and_says_why(full: ServerProcess) -> None:
    api = Api(full.url)
    answer = await api.call("POST", "/v2/live", {})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "60"
    assert "disk is nearly full" in answer.json()["message"]
    assert (await api.call("GET", "/ready")).json()["journal"] == "OK"
    assert (await metrics(api))["vivavoce_disk_free_bytes"] > 0
    assert full.log.count("disk_reserve_reached") == 1
