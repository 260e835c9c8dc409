"""Measures callback latency to healthy endpoints while another endpoint is dead.

    python bench/deliveries.py --rate 1000 --seconds 20 --json deliveries.json

Sessions commit messages to a journal at a steady rate, as live sessions do; relay, delivery store,
dispatcher and safe transport deliver them to endpoints in a separate process, on loopback. The
dead endpoint accepts connections and never responds, so every attempt times out. Lag is the time
from before the commit until the endpoint has read the message.
"""

import argparse
import asyncio
import ipaddress
import json
import logging
import os
import random
import resource
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import structlog
from uvicorn.loops.auto import auto_loop_factory

from vivavoce.delivery.addresses import Reach
from vivavoce.delivery.announcement import Announcement, encode
from vivavoce.delivery.dispatcher import Means, Size
from vivavoce.delivery.house import Deliveries
from vivavoce.delivery.ledger import Ledger
from vivavoce.delivery.safe_http import SafeTransport
from vivavoce.delivery.schedule import Policy
from vivavoce.delivery.signing import sign
from vivavoce.journal.port import NewSession
from vivavoce.journal.sqlite import SqliteJournal

HEALTHY = 10
SESSIONS_EACH = 10
DEAD_SESSIONS = 20
REACH = Reach([ipaddress.ip_network("127.0.0.0/8")], range(1, 65536))
DRAIN_SECONDS = 60.0


@dataclass(frozen=True)
class Row:
    """Lag of one endpoint's messages, or of all healthy endpoints'."""

    endpoint: str
    messages: int
    p50_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True)
class Run:
    """Figures of one run; the rate counts messages committed for the healthy endpoints."""

    dead: bool
    seconds: float
    committed_per_s: float
    arrived: int
    missing: int
    cpu_share: float
    peak_rss_mb: float
    rows: Sequence[Row]


# -- the endpoints, in a separate process ---------------------------------------------------------


class Endpoints:
    """Servers that record each message's arrival; the last one never responds."""

    def __init__(self) -> None:
        self.lags: dict[str, list[float]] = defaultdict(list)
        self.count = 0

    async def healthy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Respond to every request on a connection."""
        name = str(writer.get_extra_info("sockname")[1])
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                size = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                body = json.loads(await reader.readexactly(size))
                self.lags[name].append(time.time() - body["payload"]["at"])
                self.count += 1
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def dead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read everything and never respond."""
        while await reader.read(1 << 16):
            pass
        writer.close()

    async def serve(self) -> None:
        """Print the ports, then a count for each line of input, and the lags at end of input."""
        places = [self.healthy] * HEALTHY + [self.dead]
        servers = [await asyncio.start_server(place, "127.0.0.1", 0) for place in places]
        print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            print(self.count, flush=True)
        print(json.dumps(self.lags), flush=True)


# -- the delivery service --------------------------------------------------------------------------


async def speak(journal: SqliteJournal, session: str, url: str, period: float, until: float) -> int:
    """Commit one message per period; return their number."""
    count = 0
    await asyncio.sleep(random.uniform(0, period))
    due = time.time()
    while due < until:
        await asyncio.sleep(max(0.0, due - time.time()))
        message = json.dumps({"type": "audio_chunk", "at": time.time(), "text": "x" * 200}).encode()
        told = Announcement(session, "bench", message, url, lifecycle=False)
        await journal.commit(session, [], announcements=[encode(told)])
        count += 1
        due += period
    return count


async def measure(rate: float, seconds: float, *, dead: bool) -> Run:
    """Perform one run with its own files."""
    endpoints = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, "--receive"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 26,
    )
    ports = json.loads(await _line(endpoints))
    with tempfile.TemporaryDirectory() as folder:
        journal = await SqliteJournal.open(Path(folder) / "journal.db")
        ledger = await Ledger.of_folder(Path(folder))
        async with SafeTransport(REACH) as transport:
            means = Means(transport, sign, Policy(), Size(1 << 20, ""), time.time, random.random)
            deliveries = Deliveries(journal, ledger, means)
            deliveries.start()
            cpu, begun = time.process_time(), time.time()
            committed = await _speak_all(journal, ports, rate, begun + seconds, dead=dead)
            spent = time.time() - begun
            arrived = await _drain(endpoints, committed)
            share = (time.process_time() - cpu) / (time.time() - begun)
            await deliveries.aclose()
        await ledger.close()
        await journal.close()
    lags = await _lags(endpoints)
    rows = [summary(f"endpoint {n}", lags.get(str(port), [])) for n, port in enumerate(ports[:-1])]
    rows.append(summary("all healthy", [lag for some in lags.values() for lag in some]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    missing = committed - arrived
    return Run(dead, spent, committed / spent, arrived, missing, share, peak, rows)


async def _speak_all(
    journal: SqliteJournal, ports: Sequence[int], rate: float, until: float, *, dead: bool
) -> int:
    """Send to every endpoint; return the number of messages for healthy ones."""
    period = HEALTHY * SESSIONS_EACH / rate
    plan = [port for port in ports[:-1] for _ in range(SESSIONS_EACH)]
    plan += [ports[-1]] * DEAD_SESSIONS * dead
    speakers = []
    for number, port in enumerate(plan):
        session = f"s{number}"
        await journal.create(NewSession(session, session.encode(), b"{}", 0.0, "bench"))
        url = f"http://127.0.0.1:{port}/hook"
        speakers.append(speak(journal, session, url, period, until))
    counts = await asyncio.gather(*speakers)
    return sum(counts[: HEALTHY * SESSIONS_EACH])


async def _drain(endpoints: asyncio.subprocess.Process, committed: int) -> int:
    """Wait until all messages have arrived; return the number that have."""
    arrived, end = 0, time.time() + DRAIN_SECONDS
    while arrived < committed and time.time() < end:
        await asyncio.sleep(0.1)
        _asking(endpoints).write(b"\n")
        arrived = int(await _line(endpoints))
    return arrived


async def _lags(endpoints: asyncio.subprocess.Process) -> dict[str, list[float]]:
    _asking(endpoints).close()
    lags: dict[str, list[float]] = json.loads(await _line(endpoints))
    await endpoints.wait()
    return lags


def _asking(endpoints: asyncio.subprocess.Process) -> asyncio.StreamWriter:
    if endpoints.stdin is None:
        raise AssertionError("it was started with a pipe")
    return endpoints.stdin


async def _line(endpoints: asyncio.subprocess.Process) -> bytes:
    if endpoints.stdout is None:
        raise AssertionError("it was started with a pipe")
    return await endpoints.stdout.readline()


def summary(name: str, lags: Sequence[float]) -> Row:
    """Summarise the lags."""
    cuts = [1000 * cut for cut in statistics.quantiles(lags, n=100)]
    return Row(name, len(lags), cuts[49], cuts[98], 1000 * max(lags))


def show(run: Run) -> None:
    """Format a table of one run."""
    print(f"\n{'one endpoint is dead' if run.dead else 'all endpoints answer'}:", end=" ")
    print(f"{run.committed_per_s:.0f} messages/s for {run.seconds:.0f} s, {run.missing} missing,")
    print(f"  {run.cpu_share:.2f} cores, at most {run.peak_rss_mb:.0f} MB")
    print(f"  {'':>12} {'messages':>9} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8}")
    for row in run.rows:
        print(
            f"  {row.endpoint:>12} {row.messages:9}"
            f" {row.p50_ms:8.1f} {row.p99_ms:8.1f} {row.max_ms:8.1f}"
        )


def _run(story: Coroutine[Any, Any, Run]) -> Run:
    """Run on the event loop that the server uses."""
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        return runner.run(story)


def main() -> None:
    """Measure with all endpoints alive, then with one dead."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=1000.0, help="messages a second in all")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--receive", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.receive:
        asyncio.run(Endpoints().serve())
        return
    quiet = structlog.make_filtering_bound_logger(logging.WARNING)
    structlog.configure(wrapper_class=quiet)
    runs: list[dict[str, Any]] = []
    for dead in (False, True):
        run = _run(measure(options.rate, options.seconds, dead=dead))
        show(run)
        runs.append(asdict(run))
    if options.json:
        facts = {"rate": options.rate, "cores": os.cpu_count(), "runs": runs}
        options.json.write_text(json.dumps(facts, indent=2) + "\n")


if __name__ == "__main__":
    main()
