"""What Prometheus is told, and who may ask."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

from integration.server_process import KEY, ServerProcess
from integration.speech import BEGINNING, spoken
from integration.wire import Api, line, session


async def metrics(api: Api) -> dict[str, float]:
    """Every sample without labels, by its name."""
    answer = await api.call("GET", "/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(answer.text)
    samples = [sample for family in families for sample in family.samples]
    return {sample.name: sample.value for sample in samples if not sample.labels}


async def test_metrics_follow_a_session_from_its_audio_to_its_finals(api: Api) -> None:
    before = await metrics(api)
    speech = spoken(BEGINNING)
    async with session(api) as (_, talking):
        await talking.send([speech.audio])
        await talking.acknowledged(len(speech.audio))
        during = await metrics(api)
        await talking.stop()
        await talking.rest()
    after = await metrics(api)

    def grown(name: str) -> float:
        return after[name] - before[name]

    assert during["vivavoce_connections"] == 1
    assert during["vivavoce_live_sessions"] - before["vivavoce_live_sessions"] == 1
    assert after["vivavoce_connections"] == 0
    assert after["vivavoce_acks_outstanding"] == 0
    assert round(grown("vivavoce_audio_seconds_total"), 2) == len(speech.audio) / 32_000
    assert grown("vivavoce_time_to_final_seconds_count") > 0
    assert grown("vivavoce_journal_commit_seconds_count") > 0
    assert grown("vivavoce_handshake_wait_seconds_count") == 1
    assert after["vivavoce_workers_ready"] >= 1


async def test_a_resume_is_counted_with_the_bytes_that_came_again(api: Api) -> None:
    before = await metrics(api)
    speech = spoken(BEGINNING).audio[:96_000]
    async with session(api) as (made, talking):
        await talking.send([speech])
        await talking.acknowledged(len(speech))
        talking.drop()

    async with line(f"{made.url}&position=64000") as again:
        await again.send([speech[64_000:]])
        await again.stop()
        await again.rest()
    after = await metrics(api)
    assert after["vivavoce_resumes_total"] - before["vivavoce_resumes_total"] == 1
    assert after["vivavoce_resent_bytes_total"] - before["vivavoce_resent_bytes_total"] == 32_000
    assert after["vivavoce_resume_ambiguous_total"] == before["vivavoce_resume_ambiguous_total"]


async def test_a_proxy_on_this_machine_does_not_open_the_metrics_to_the_world(
    server: ServerProcess,
) -> None:

    forwarded = {"x-forwarded-for": "203.0.113.7"}
    async with httpx.AsyncClient(base_url=server.url) as http:
        assert (await http.get("/metrics")).status_code == 200
        assert (await http.get("/metrics", headers=forwarded)).status_code == 401
        with_key = forwarded | {"x-gladia-key": KEY}
        assert (await http.get("/metrics", headers=with_key)).status_code == 200
