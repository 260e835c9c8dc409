"""Callbacks and webhooks of a real server to a real receiver that fails in every scripted way."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.delivered import Told, partial, prove_tries, serving
from integration.receiver_process import (
    BROKEN,
    Authority,
    ReceiverProcess,
    busy,
    receiving,
    redirect,
)
from integration.scripted_receiver import Step
from integration.server_process import ServerProcess, clean_environment
from integration.speech import TIMES, spoken
from integration.test_metrics import metrics as samples
from integration.wire import Api, Json
from vivavoce.client import verify_callback, verify_webhook
from vivavoce.client.callbacks import SignatureError


@pytest.fixture(scope="module")
def server(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server whose retries come within moments."""
    with serving(tmp_path_factory.mktemp("deliveries") / "data", models).running() as process:
        yield process


@pytest.fixture
def api(server: ServerProcess) -> Api:
    return Api(server.url)


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[ReceiverProcess]:
    with receiving(tmp_path / "received.jsonl") as process:
        yield process


def telling(api: Api, receiver: ReceiverProcess, path: str = "/hook") -> Told:
    return Told(api, receiver, path, spoken(TIMES).audio)


def command(server: ServerProcess, *arguments: str) -> str:
    """What a command on the server's data folder prints."""
    done = subprocess.run(
        [sys.executable, "-m", "vivavoce", *arguments, "--data", str(server.data)],
        env=clean_environment()
        | {"VIVAVOCE_CALLBACK_NETWORKS": "127.0.0.0/8", "VIVAVOCE_CALLBACK_PORTS": ""}
        | {"COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([BROKEN] * 5, id="500"),
        pytest.param([busy(1), busy(0), busy(1)], id="429 with Retry-After"),
        pytest.param([Step("reset"), Step("reset-head"), Step("reset")], id="resets"),
        pytest.param([Step("hang-up"), Step("garbage")], id="no answer"),
        pytest.param([Step("slow", seconds=0.5)] * 6, id="slow"),
        pytest.param([redirect("http://127.0.0.1:1/"), Step(status=404)], id="3xx and 4xx"),
    ],
)
async def test_every_message_arrives_once_and_in_order_from_an_endpoint_that_fails(
    api: Api, receiver: ReceiverProcess, steps: list[Step]
) -> None:
    told = telling(api, receiver)
    receiver.tell(*steps, path=told.path)
    await told.create()
    await told.talk()
    await told.until_over()
    await told.prove()


async def test_everything_arrives_once_an_endpoint_is_back_that_was_down(
    api: Api, receiver: ReceiverProcess
) -> None:
    told = telling(api, receiver)
    receiver.refuse()
    await told.create()
    await told.talk()
    await asyncio.sleep(2)
    assert not receiver.received()
    receiver.tell()
    await told.until_over()
    await told.prove()


async def test_metrics_tell_of_what_arrives_and_of_what_waits(
    api: Api, receiver: ReceiverProcess
) -> None:
    before = await samples(api)
    told = telling(api, receiver)
    receiver.tell(then=BROKEN, path=told.path)
    await told.create()
    receiver.until(lambda it: bool(it.received(told.path)))
    await asyncio.sleep(0.2)
    during = await samples(api)
    assert during["vivavoce_deliveries_waiting"] == 1
    assert during["vivavoce_deliveries_oldest_seconds"] > 0
    assert during["vivavoce_delivery_failures_total"] > before["vivavoce_delivery_failures_total"]
    receiver.tell(then=Step(status=410), path=told.path)
    async with asyncio.timeout(10):
        while (after := await samples(api))["vivavoce_deliveries_waiting"]:  # noqa: ASYNC110  a process apart
            await asyncio.sleep(0.05)
    assert after["vivavoce_dead_letters"] - before["vivavoce_dead_letters"] == 1
    assert after["vivavoce_deliveries_oldest_seconds"] == 0
    assert after["vivavoce_deliveries_total"] == before["vivavoce_deliveries_total"]


async def test_a_wrong_certificate_is_a_failure_until_it_is_right(
    models: Path, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    wrong, right = authority.certificate("example.org"), authority.certificate("127.0.0.1")
    trust = {"SSL_CERT_FILE": str(authority.root)}
    log = tmp_path / "received.jsonl"
    with serving(tmp_path / "data", models, trust).running() as server:
        with receiving(log, certificate=wrong) as receiver:
            told = telling(Api(server.url), receiver)
            await told.create()
            await told.talk()
            await asyncio.sleep(1)
            assert not receiver.received()
            port = receiver.port
        assert "certificate" in server.log
        told.receiver = ReceiverProcess(log, certificate=right, port=port)
        told.receiver.start()
        try:
            await told.until_over()
            await told.prove()
        finally:
            told.receiver.stop()


async def test_what_waits_survives_a_restart_and_the_end_of_its_session(
    models: Path, tmp_path: Path, receiver: ReceiverProcess
) -> None:
    with serving(tmp_path / "data", models).running() as server:
        told = telling(Api(server.url), receiver)
        receiver.tell(then=BROKEN, path=told.path)
        await told.create()
        await told.talk()
        await told.api.done(told.id)
        server.terminate()
        receiver.tell(path=told.path)
        server.start()
        await told.until_over()
        await told.prove()


async def test_an_endpoint_that_is_gone_is_left_alone_and_its_messages_can_be_sent_again(
    server: ServerProcess, api: Api, receiver: ReceiverProcess
) -> None:
    told = telling(api, receiver)
    receiver.tell(Step(), then=Step(status=410), path=told.path)
    await told.create()
    await told.talk()
    await told.api.done(told.id)
    await asyncio.sleep(1)
    assert len(receiver.received()) == 2
    listed = command(server, "callbacks", "list", "--session", told.id)
    assert "live.post_final_transcript" in listed
    assert "HTTP 410" in listed
    receiver.tell(path=told.path)
    assert "to be sent again" in command(server, "callbacks", "redeliver", "--session", told.id)
    await told.until_over()
    await told.prove()


async def test_what_is_given_up_is_kept_and_sent_again_on_demand(
    models: Path, tmp_path: Path, receiver: ReceiverProcess
) -> None:
    with serving(tmp_path / "data", models, {"VIVAVOCE_CALLBACK_GIVE_UP": "1"}).running() as server:
        told = telling(Api(server.url), receiver)
        receiver.tell(then=BROKEN, path=told.path)
        await told.create()
        await told.talk()
        async with asyncio.timeout(60):
            while "live.end_session" not in command(server, "callbacks", "list", "--dead"):  # noqa: ASYNC110  a process apart
                await asyncio.sleep(0.2)
        receiver.tell(path=told.path)
        command(server, "callbacks", "redeliver", "--all")
        await told.until_over()
        await told.prove()
        assert "live." not in command(server, "callbacks", "list", "--dead")


async def test_partials_are_called_back_where_the_socket_has_none(
    api: Api, receiver: ReceiverProcess
) -> None:
    url = receiver.url + "/partials"
    flags = {"receive_partial_transcripts": True}
    made = await api.create(callback=True, callback_config={"url": url, **flags})
    told = Told(api, receiver, "/partials", spoken(TIMES).audio, made.id, made.url)
    await told.talk(pause=0.05)
    await told.until_over()
    assert any(partial(one) for one in told.payloads())
    assert not any(partial(one) for one in told.heard)
    prove_tries(receiver.received("/partials"))


async def test_a_message_that_is_too_large_comes_shortened_with_a_link(
    models: Path, tmp_path: Path, receiver: ReceiverProcess
) -> None:
    settings = {
        "VIVAVOCE_CALLBACK_MAX_BYTES": "2000",
        "VIVAVOCE_PUBLIC_URL": "https://speech.example",
    }
    with serving(tmp_path / "data", models, settings).running() as server:
        api = Api(server.url)
        url = receiver.url + "/lean"
        made = await api.create(callback=True, callback_config={"url": url})
        local = server.url.replace("http", "ws") + "/v2" + made.url.partition("/v2")[2]
        told = Told(api, receiver, "/lean", spoken(TIMES).audio * 3, made.id, local)
        await told.talk()
        await told.until_over()
        bodies = [json.loads(one.body) for one in told.arrived()]
        assert all(len(one.body) <= 2000 for one in told.arrived())
        [lean] = [one for one in bodies if one["event"] == "live.post_final_transcript"]
        assert lean["link"] == f"https://speech.example/v2/live/{made.id}"


async def test_deleting_a_session_takes_back_what_has_not_arrived(
    server: ServerProcess, api: Api, receiver: ReceiverProcess
) -> None:
    told = telling(api, receiver)
    receiver.tell(then=Step(status=410), path=told.path)
    await told.create()
    await told.talk()
    await told.api.done(told.id)
    await asyncio.sleep(0.5)
    assert "live." in command(server, "callbacks", "list", "--session", told.id)
    assert (await api.call("DELETE", f"/v2/live/{told.id}")).status_code == 202
    assert "live." not in command(server, "callbacks", "list", "--session", told.id)


async def test_a_callback_url_that_leads_inside_is_refused_at_once(api: Api) -> None:
    config = {"url": "http://169.254.169.254/latest/meta-data"}
    refused = await api.call("POST", "/v2/live", {"callback": True, "callback_config": config})
    assert refused.status_code == 422
    assert refused.json()["message"].startswith("callback_config.url must ")


async def test_callbacks_and_webhooks_are_signed_with_secrets_that_can_be_replaced(
    server: ServerProcess, api: Api, receiver: ReceiverProcess
) -> None:
    added = await webhook(api, receiver.url + "/life")
    secret = command(server, "callbacks", "secret").strip()
    renewed = (await api.call("POST", f"/vivavoce/webhooks/{added['id']}/secret")).json()["secret"]
    told = telling(api, receiver)
    await told.create()
    await told.talk()
    await told.until_over()
    receiver.until(lambda it: len(it.accepted("/life")) == 4)
    for one in told.arrived():
        assert verify_callback(one.body.encode(), one.headers, secret).session_id == told.id
    events = []
    for one in receiver.accepted("/life"):
        found = [
            verify_webhook(one.body.encode(), one.headers, s) for s in (added["secret"], renewed)
        ]
        events.append(found[0].event)
        with pytest.raises(SignatureError):
            verify_webhook(one.body.encode() + b" ", one.headers, renewed)
    names = ("start_session", "start_recording", "end_recording", "end_session")
    assert events == [f"live.{name}" for name in names]
    await api.call("DELETE", f"/vivavoce/webhooks/{added['id']}")


async def webhook(api: Api, url: str) -> Json:
    """A new webhook endpoint of the key."""
    answer = await api.call("POST", "/vivavoce/webhooks", {"url": url})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_webhook_endpoints_are_managed_by_their_key(
    api: Api, receiver: ReceiverProcess
) -> None:
    one, two = [await webhook(api, f"{receiver.url}/{name}") for name in ("one", "two")]
    listed = (await api.call("GET", "/vivavoce/webhooks")).json()["items"]
    assert [entry["url"] for entry in listed] == [one["url"], two["url"]]
    assert all("secret" not in entry for entry in listed)
    tried = await api.call("POST", f"/vivavoce/webhooks/{one['id']}/test")
    assert tried.json() == {"delivered": True, "status": 200, "failure": None}
    receiver.refuse()
    tried = await api.call("POST", f"/vivavoce/webhooks/{one['id']}/test")
    assert tried.json()["delivered"] is False
    for entry in (one, two):
        gone = await api.call("DELETE", f"/vivavoce/webhooks/{entry['id']}")
        assert gone.status_code == 204
    assert (await api.call("DELETE", f"/vivavoce/webhooks/{one['id']}")).status_code == 404
    refused = await api.call("POST", "/vivavoce/webhooks", {"url": "http://10.1.2.3/"})
    assert refused.status_code == 422


async def test_a_webhook_endpoint_that_is_gone_is_disabled_until_it_is_enabled(
    server: ServerProcess, api: Api, receiver: ReceiverProcess
) -> None:
    added = command(server, "webhooks", "add", receiver.url + "/gone")
    endpoint = added.split()[1]
    receiver.tell(then=Step(status=410), path="/gone")
    await api.create()
    receiver.until(lambda it: bool(it.received("/gone")))
    await asyncio.sleep(0.5)
    assert "disabled: HTTP 410" in command(server, "webhooks", "list")
    await api.create()
    await asyncio.sleep(0.5)
    assert len(receiver.received("/gone")) == 1
    receiver.tell(path="/gone")
    command(server, "webhooks", "enable", endpoint)
    assert "1 to be sent again" in command(server, "callbacks", "redeliver", "--endpoint", endpoint)
    receiver.until(lambda it: len(it.accepted("/gone")) == 1)
    assert "delivered" in command(server, "webhooks", "test", endpoint)
    command(server, "webhooks", "remove", endpoint)
    assert endpoint not in command(server, "webhooks", "list")


def test_commands_on_a_folder_that_is_no_servers_say_so_and_leave_nothing(tmp_path: Path) -> None:
    for arguments in (["callbacks", "secret"], ["webhooks", "add", "https://example.org/"]):
        done = subprocess.run(
            [sys.executable, "-m", "vivavoce", *arguments, "--data", str(tmp_path / "none")],
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert "no server has worked in" in done.stderr
    assert not list(tmp_path.iterdir())
