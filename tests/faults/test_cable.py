"""Cables that are pulled or narrow, between a client in a network namespace and the server."""

import asyncio
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from faults.callers import Passage
from faults.conftest import COUNT, Ledger, StartServer
from faults.namespaces import CLIENT, SERVER, cable
from history import History
from integration.wire import Api, line, proved

GIVEN_UP_WITHIN = 60

SPEAKER = """
import asyncio, sys
from pathlib import Path
from websockets.asyncio.client import connect

async def main(url, file, frame, pause, stay):
    audio = Path(file).read_bytes()
    async with connect(url, ping_interval=None, max_queue=None, compression=None) as socket:
        for at in range(0, len(audio), int(frame)):
            await socket.send(audio[at : at + int(frame)])
            await asyncio.sleep(float(pause))
        if stay == "stay":
            print("said", flush=True)
            await asyncio.sleep(3600)
        await socket.send('{"type": "stop_recording"}')
        async for message in socket:
            pass
        print(socket.close_code)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.skipif(COUNT < 100, reason="takes a minute: make faults COUNT=100")
async def test_f026_a_pulled_cable_frees_its_connection_and_keeps_its_session(
    start_server: StartServer, passages: list[Passage], ledger: Ledger, tmp_path: Path
) -> None:
    passage = passages[0]
    half = tmp_path / "half"
    half.write_bytes(passage.audio[: len(passage.audio) // 2])
    with cable() as between, ledger.fault("a pulled cable") as row:
        server = start_server(settings={"VIVAVOCE_HOST": SERVER})
        api = Api(server.url)
        made = await api.create()
        words = (sys.executable, "-c", SPEAKER, made.url, str(half), "3200", "0.01", "stay")
        with subprocess.Popen(between.within(*words), stdout=subprocess.PIPE) as speaker:  # noqa: ASYNC220  a moment
            row.sessions, row.interrupted = 1, 1
            assert speaker.stdout is not None
            await asyncio.to_thread(speaker.stdout.readline)
            between.pull()
            process = psutil.Process(server.pid)
            async with asyncio.timeout(GIVEN_UP_WITHIN):
                while any(c.raddr and c.raddr.ip == CLIENT for c in process.net_connections("tcp")):  # noqa: ASYNC110  a process apart
                    await asyncio.sleep(0.5)
            speaker.kill()
        history = History()
        history.sent(passage.audio)
        # Its own address is still reachable here, with the cable down. What the speaker heard
        # is gone with it: this client knows of no acknowledgement and says everything again.
        async with line(made.url, history) as talking:
            await talking.socket.send(passage.audio)
            await talking.stop()
            await talking.rest()
        await proved(api, made, history, passage.finals)


@pytest.mark.skipif(COUNT < 100, reason="takes half a minute: make faults COUNT=100")
async def test_f031_over_a_narrow_line_everything_arrives_late_and_whole(
    start_server: StartServer, passages: list[Passage], ledger: Ledger, tmp_path: Path
) -> None:
    passage = passages[0]
    whole = tmp_path / "whole"
    whole.write_bytes(passage.audio)
    with cable() as between, ledger.fault("64 kbit/s") as row:
        between.narrow("64kbit")
        server = start_server(settings={"VIVAVOCE_HOST": SERVER})
        api = Api(server.url)
        made = await api.create()
        history = History()
        history.sent(passage.audio)
        row.sessions = 1
        words = (sys.executable, "-c", SPEAKER, made.url, str(whole), "3200", "0.1", "go")
        ran = await asyncio.to_thread(
            subprocess.run, between.within(*words), capture_output=True, timeout=120, check=True
        )
        assert ran.stdout.strip() == b"1000"
        await proved(api, made, history, passage.finals)
