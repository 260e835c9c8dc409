"""Guesses of keys, and handshakes that only fill the log."""

import asyncio
import time

from abuse.attacker import Stranger, come, upgrade
from abuse.measure import Attack, check, measured
from abuse.rounds import SECONDS
from integration.server_process import ServerProcess
from integration.wire import Api

GUESSERS = 16
MOST_GUESSES = 200
"""A second, from one address."""

HANDSHAKES = 1000
MOST_LOG = 64 * 1024
"""Bytes of log for a thousand refused handshakes."""

MOST_LINES = 20
IN_TIME = 5.0


async def guess(attack: Attack, seconds: float) -> int:
    """Try key after key; gives how many were answered."""
    answered = 0
    until = time.monotonic() + seconds
    stranger: Stranger | None = None
    while (left := until - time.monotonic()) > 0:
        if stranger is None or stranger.closed.is_set():
            stranger = await come(attack.address)
        stranger.answer.clear()
        request = f"GET /v2/live HTTP/1.1\r\nHost: h\r\nx-gladia-key: k{answered}\r\n\r\n"
        if not await stranger.send(request.encode()):
            continue
        try:
            await stranger.answered(seconds=left)
        except TimeoutError:
            break
        answered += bool(stranger.answer)
    if stranger is not None:
        stranger.drop()
    return answered


async def test_guesses_of_keys_are_slowed(attacked: ServerProcess, api: Api) -> None:
    before = len(attacked.log)
    async with measured(attacked, f"guesses of keys on {GUESSERS} connections") as attack:
        guessing = [asyncio.create_task(guess(attack, SECONDS)) for _ in range(GUESSERS)]
        await asyncio.sleep(SECONDS / 2)
        begun = time.monotonic()
        allowed = (await api.call("GET", "/v2/live?limit=1")).status_code
        waited = time.monotonic() - begun
        rate = sum(await asyncio.gather(*guessing)) / SECONDS
    row = attack.row
    lines = attacked.log[before:].count("\n")
    row.note = f"{rate:.0f} guesses/s, {lines} lines of log, right key in {waited:.1f} s"
    if rate > MOST_GUESSES:
        row.faults.append(f"{rate:.0f} guesses a second")
    if not 1 <= lines <= MOST_LINES:
        row.faults.append(f"{lines} lines of log")
    if allowed != 200 or waited > IN_TIME:
        row.faults.append("the right key was held up")
    check(row)


async def refused(attack: Attack, url: str) -> bytes:
    """A handshake that is refused; the first of its answer."""
    try:
        stranger = await come(attack.address)
    except OSError:
        return b""
    try:
        await stranger.send(upgrade(url))
        return (await stranger.answered())[:12]
    except TimeoutError:
        return b""
    finally:
        stranger.drop()


async def test_refused_handshakes_cost_little_log(attacked: ServerProcess) -> None:
    url = f"{attacked.url}/v2/live?token=wrong&more=" + "t" * 7900
    before = len(attacked.log)
    async with measured(attacked, f"{HANDSHAKES} refused handshakes with long paths") as attack:
        answers = set()
        for _ in range(HANDSHAKES // 20):
            answers |= set(await asyncio.gather(*(refused(attack, url) for _ in range(20))))
        await asyncio.sleep(0.5)
    row = attack.row
    size = len(attacked.log) - before
    row.note = f"{size / HANDSHAKES:.0f} bytes of log each, {sorted(answers)}"
    if size > MOST_LOG:
        row.faults.append(f"{size >> 10} KiB of log")
    check(row)
