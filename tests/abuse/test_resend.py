"""Audio sent again over a slow line: bytes that arrive are a sign of life."""

import asyncio
import base64
import json
import time

from abuse.attacker import plain, token_holder
from abuse.measure import Attack, check, measured
from abuse.rounds import takes_time
from integration.server_process import ServerProcess
from integration.wire import Api
from websocket_suite.raw_frames import TEXT

KIBIBYTE = 1024
SLOW = {"26 MiB at 500 KiB/s": (26 * 1024, 500), "26 MiB at 100 KiB/s": (26 * 1024, 100)}
"""KiB of the frame and KiB a second: each takes longer than a ping may stay unanswered."""


async def resend(attack: Attack, url: str, size: int, rate: int) -> str:
    """Send audio as one frame at a rate; how long it took, or nothing where it was cut."""
    chunk = base64.b64encode(bytes(size * KIBIBYTE * 3 // 4)).decode()
    data = plain(TEXT, json.dumps({"type": "audio_chunk", "data": {"chunk": chunk}}).encode())
    stranger = await token_holder(attack, url)
    begun, step = time.monotonic(), rate * KIBIBYTE // 10
    for at in range(0, len(data), step):
        if not await stranger.send(data[at : at + step]):
            return ""
        await asyncio.sleep(max(begun + at / (rate * KIBIBYTE) - time.monotonic(), 0))
    answer = await stranger.answered(b'"acknowledged":', seconds=20)
    stranger.drop()
    good = b'"acknowledged":true' in answer
    return f"{time.monotonic() - begun:.0f} s" if good else ""


@takes_time
async def test_long_frames_over_slow_lines_get_through(attacked: ServerProcess, api: Api) -> None:
    made = [await api.create() for _ in SLOW]
    async with measured(attacked, "slow resends of one frame") as attack:
        work = zip(made, SLOW.values(), strict=True)
        took = await asyncio.gather(*(resend(attack, one.url, *how) for one, how in work))
    found = dict(zip(SLOW, took, strict=True))
    attack.row.note = ", ".join(f"{name} in {seconds}" for name, seconds in found.items())
    attack.row.faults += [f"{name} cut" for name, seconds in found.items() if not seconds]
    check(attack.row, most_growth=None)
