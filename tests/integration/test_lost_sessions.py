"""Sessions that a real server cannot go on with: their clients, their records and the others."""

import sqlite3
from contextlib import closing
from pathlib import Path

from integration.server_process import ServerProcess
from integration.speech import BEGINNING, spoken
from integration.wire import Api, line, spoken_through

INTERNAL = 1011


def damage(data: Path, change: str, session_id: str) -> None:
    """Change what the journal holds of a session, as a failing disk does."""
    with closing(sqlite3.connect(data / "journal.db", timeout=10)) as db, db:
        key = "(SELECT key FROM session WHERE id = ?)"
        db.execute(change.format(key), (session_id,))


async def test_a_session_whose_audio_is_damaged_lets_its_client_go_and_ends_in_error(
    own: ServerProcess,
) -> None:
    api = Api(own.url)
    speech = spoken(BEGINNING)
    made = await api.create()
    async with line(made.url) as talking:
        await talking.send(speech.pieces())
        await talking.acknowledged(len(speech.audio))
        await talking.next("transcript")
        damage(own.data, "UPDATE audio SET crc = crc + 1 WHERE session = {}", made.id)
        await talking.stop()
        await talking.rest()
    assert talking.close_code == INTERNAL
    job = await api.job_in(made.id, "error")
    assert job["error_code"] == 500
    assert job["result"]["transcription"]["utterances"]
    metrics = (await api.call("GET", "/metrics")).text
    assert 'vivavoce_unreadable_items_total{kind="audio"}' in metrics
    assert (await api.call("GET", "/ready")).status_code == 200
    await spoken_through(api, speech.pieces())  # the others go on


async def test_a_checkpoint_that_cannot_be_read_stops_neither_the_start_nor_the_others(
    own: ServerProcess,
) -> None:
    api = Api(own.url)
    speech = spoken(BEGINNING)
    made = [await api.create() for _ in range(2)]
    for each in made:
        async with line(each.url) as talking:
            await talking.send(speech.pieces())
            await talking.acknowledged(len(speech.audio))
            await talking.next("transcript")
    own.kill()
    damage(own.data, "UPDATE checkpoint SET data = x'c1' WHERE session = {}", made[0].id)
    own.start()
    assert (await api.job_in(made[0].id, "error"))["error_code"] == 500
    async with line(made[1].url) as talking:
        await talking.stop()
        await talking.rest()
    assert talking.close_code == 1000
    assert (await api.call("GET", "/ready")).json()["tasks"] == "OK"
