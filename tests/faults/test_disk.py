"""Disks that are full, slow or broken, and folders with two servers."""

import asyncio
import os
import random
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from faults import strace
from faults.callers import Passage
from faults.conftest import Ledger, StartServer
from faults.rounds import begun, calls
from history import History
from integration.server_process import ServerProcess
from integration.speech import pieces
from integration.wire import Api, Json, Line, acks, line, proved

DISK = "6m"
FRAME = 32_000
AT_ONCE = 10
PATIENCE = 30

needs_strace = pytest.mark.skipif(bool(strace.missing()), reason=str(strace.missing()))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("a small disk can only be mounted by root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)  # noqa: S607  as above


async def test_f054_a_full_disk_refuses_audio_loses_none_and_recovers(
    start_server: StartServer, small_disk: Path, passages: list[Passage], ledger: Ledger
) -> None:
    server = start_server(data=small_disk / "data")
    api = Api(server.url)
    ballast = small_disk / "ballast"
    passage = passages[0]
    history = History()
    made = await api.create()
    with ledger.fault("disk full") as row:
        row.sessions, row.interrupted = 1, 1
        async with line(made.url, history) as talking:
            await talking.send([passage.audio[:FRAME]])
            await talking.acknowledged(FRAME)
            fill(ballast)
            answer = await refused(talking, passage.audio[FRAME:])
            assert "cannot write" in answer["error"]["message"]
            assert not await is_ready(api)
            assert (await api.call("POST", "/v2/live", {})).status_code == 503
            ballast.unlink()
            async with asyncio.timeout(PATIENCE):
                while not await is_ready(api):  # noqa: ASYNC110  a process apart
                    await asyncio.sleep(0.1)
            # What was refused comes again, as every client does with what is not acknowledged.
            del history.audio[history.acknowledged :]
            await talking.send([passage.audio[history.acknowledged :]])
            await talking.acknowledged(len(passage.audio))
            await talking.stop()
            await talking.rest()
        await proved(api, made, history, passage.finals)


async def refused(talking: Line, audio: bytes) -> Json:
    """Send until the server refuses to store it; gives the refusal."""
    for frame in pieces(audio, FRAME // 10):
        await talking.send([frame])
        answer = await talking.next("audio_chunk")
        if not answer["acknowledged"]:
            return answer
    raise AssertionError("the disk was never full")


async def is_ready(api: Api) -> bool:
    """Whether the server says that it can do its work."""
    return (await api.call("GET", "/ready")).status_code == 200


def fill(ballast: Path) -> None:
    """Leave no room on the disk of a file."""
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


async def test_f054_a_session_that_ends_on_a_full_disk_is_finished_when_there_is_room(
    start_server: StartServer, small_disk: Path, passages: list[Passage], ledger: Ledger
) -> None:
    server = start_server(data=small_disk / "data")
    api = Api(server.url)
    passage = passages[0]
    history = History()
    made = await api.create()
    with ledger.fault("disk full at the end") as row:
        row.sessions, row.interrupted = 1, 1
        async with line(made.url, history) as talking:
            await talking.send([passage.audio])
            await talking.acknowledged(len(passage.audio))
            fill(small_disk / "ballast")
            await talking.stop()
            async with asyncio.timeout(PATIENCE):
                while "storage_unavailable" not in server.log:  # noqa: ASYNC110  a process apart
                    await asyncio.sleep(0.1)
            (small_disk / "ballast").unlink()
            await spoken_out(talking)
        await proved(api, made, history, passage.finals)


async def spoken_out(talking: Line) -> None:
    """Say stop until it can be noted, then hear the rest."""
    while not (await talking.next("stop_recording"))["acknowledged"]:
        await asyncio.sleep(0.2)
        await talking.stop()
    await talking.rest()


async def test_f059_records_locked_by_somebody_else_hold_up_no_audio(
    scripted: ServerProcess, passages: list[Passage], ledger: Ledger
) -> None:
    api = Api(scripted.url)
    passage = passages[2]
    history = History()
    made = await api.create()
    with ledger.fault("records locked") as row:
        row.sessions, row.interrupted = 1, 1
        async with line(made.url, history) as talking:
            other = sqlite3.connect(scripted.data / "records.db", isolation_level=None)
            other.execute("BEGIN EXCLUSIVE")
            refusal = asyncio.create_task(api.call("POST", "/v2/live", {}))
            await talking.send([passage.audio])
            await talking.acknowledged(len(passage.audio))
            assert not refusal.done(), "audio does not wait for the records"
            answer = await refusal
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) > 0
            await talking.stop()
            await talking.next("post_final_transcript")
            other.execute("ROLLBACK")
            other.close()
            await talking.rest()
        await proved(api, made, history, passage.finals)


def test_f062_a_folder_on_a_read_only_disk_is_refused(
    start_server: StartServer, small_disk: Path, ledger: Ledger
) -> None:
    with ledger.fault("read-only disk"):
        subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)  # noqa: S607  found by small_disk
        with pytest.raises(AssertionError, match=r"vivavoce: .*Read-only file system"):
            start_server(data=small_disk)


@needs_strace
async def test_f056_a_slow_disk_delays_acknowledgements_and_loses_nothing(
    scripted: ServerProcess, passages: list[Passage], dice: random.Random, ledger: Ledger
) -> None:
    with ledger.fault("every sync takes 100 ms") as row:
        async with calls(scripted, passages, dice, AT_ONCE) as going:
            row.sessions += AT_ONCE
            await begun(going)
            with strace.injected(scripted.pid, "fdatasync", "delay_enter=100000"):
                going.interrupt(row)
                await asyncio.gather(*going.tasks)
            await going.prove()


@needs_strace
async def test_f055_a_server_whose_sync_fails_acknowledges_nothing_and_ends_for_a_new_start(
    scripted: ServerProcess, passages: list[Passage], ledger: Ledger
) -> None:
    api = Api(scripted.url)
    passage = passages[1]
    history = History()
    made = await api.create()
    with ledger.fault("a sync fails") as row:
        row.sessions, row.interrupted = 1, 1
        async with line(made.url, history) as talking:
            await talking.send([passage.audio[:FRAME]])
            await talking.acknowledged(FRAME)
            with strace.injected(scripted.pid, "fdatasync", "error=EIO:when=1"):
                await talking.send([passage.audio[FRAME:]])
                await talking.rest()
            assert not any(a["acknowledged"] for a in acks(talking.heard)[1:])
        assert await asyncio.to_thread(scripted.wait) == 1
        assert "the journal cannot write: disk I/O error" in scripted.log
        await asyncio.to_thread(scripted.start)
        del history.audio[history.acknowledged :]
        async with line(f"{made.url}&position={history.acknowledged}", history) as talking:
            await talking.send([passage.audio[history.acknowledged :]])
            await talking.stop()
            await talking.rest()
        await proved(api, made, history, passage.finals)


async def test_f013_a_second_server_on_the_folder_refuses_and_disturbs_nobody(
    scripted: ServerProcess,
    start_server: StartServer,
    passages: list[Passage],
    dice: random.Random,
    ledger: Ledger,
) -> None:
    with ledger.fault("a second server on the folder") as row:
        async with calls(scripted, passages, dice, AT_ONCE) as going:
            row.sessions += AT_ONCE
            await begun(going)
            going.interrupt(row)
            with pytest.raises(AssertionError, match=f"in use by process {scripted.pid}"):
                await asyncio.to_thread(start_server)
            await going.prove()


async def test_f057_bytes_of_an_unfinished_write_at_the_end_of_the_log_harm_nothing(
    scripted: ServerProcess,
    passages: list[Passage],
    dice: random.Random,
    count: int,
    ledger: Ledger,
) -> None:
    """What a power cut may leave behind the last sync: part of a write, or noise in its place."""
    with ledger.fault("torn end of the log") as row:
        for _ in range(max(count // 40, 1)):
            async with calls(scripted, passages, dice, AT_ONCE) as going:
                row.sessions += AT_ONCE
                await begun(going)
                await asyncio.sleep(dice.uniform(0, 0.5))
                await asyncio.to_thread(scripted.kill)
                going.interrupt(row)
                with (scripted.data / "journal.db-wal").open("ab") as log:
                    log.write(dice.randbytes(dice.randint(1, 3 * 4120)))
                await asyncio.to_thread(scripted.start)
                await going.prove()
