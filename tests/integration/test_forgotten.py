"""What a client had deleted is gone from every file of the data folder while the server runs."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

from integration.server_process import ServerProcess
from integration.speech import BEGINNING, spoken
from integration.wire import Api, session, text

MINUTE = 60
NAME, NOTE, PATH = "marked-name-4711", "marked-note-4712", "marked-path-4713"


def places(folder: Path, secrets: Iterable[bytes]) -> set[tuple[str, bytes]]:
    """Files that hold one of the secrets, and which."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    contents = {path.name: path.read_bytes() for path in files}
    return {
        (name, secret) for name, content in contents.items() for secret in secrets
        if secret in content
    }  # fmt: skip


async def test_a_deleted_session_is_gone_within_a_minute(models: Path, tmp_path: Path) -> None:
    settings = {
        "VIVAVOCE_MODELS": str(models),
        "VIVAVOCE_CALLBACK_NETWORKS": "127.0.0.0/8",
        "VIVAVOCE_CALLBACK_PORTS": "9",  # where no endpoint takes what is sent
    }
    with ServerProcess(tmp_path / "data", settings).running() as server:
        api = Api(server.url)
        speech = spoken(BEGINNING)
        callback = {"url": f"http://127.0.0.1:9/{PATH}"}
        init = {
            "custom_metadata": {"name": NAME},
            "callback": True,
            "callback_config": callback,
            **speech.init,
        }
        async with session(api, **init) as (made, talking):
            await talking.send(speech.pieces())
            await talking.stop()
            words = text(await talking.rest())
        await api.done(made.id)
        path = f"/v2/live/{made.id}"
        assert (await api.call("PATCH", path, {"note": NOTE})).status_code == 204

        middle = len(speech.audio) // 2
        audio = speech.audio[middle : middle + 64]
        secrets = [*(mark.encode() for mark in (NAME, NOTE, PATH, words.strip()[:24])), audio]
        found = {secret for _, secret in places(server.data, secrets)}
        assert found == set(secrets), "the marks are looked for where they are"

        assert (await api.call("DELETE", path)).status_code == 202
        async with asyncio.timeout(MINUTE):
            while places(server.data, secrets):  # noqa: ASYNC110  another process's work
                await asyncio.sleep(0.5)
