"""What a server counts about itself: its ``/metrics``, before and after."""

from collections.abc import Mapping

import httpx
import msgspec

SHED = "vivavoce_partials_shed_total"
DECODE_CPU = "vivavoce_decode_cpu_seconds_total"
DECODED_AUDIO = "vivavoce_decoded_audio_seconds_total"
LOOP_ASKED = "vivavoce_loop_busy_seconds_count"
LOOP_AT_ONCE = 'vivavoce_loop_busy_seconds_bucket{le="0.005"}'

Readings = Mapping[str, float]


class Counted(msgspec.Struct, frozen=True):
    """What the server counted during a run.

    Attributes:
        shed: partials that gave way to something more urgent.
        decode_cpu: processor seconds inside the engines.
        decoded_audio: seconds of audio that went through them, context and repeats included.
        loop_asked: how often the event loop was asked for an answer.
        loop_held: how often it had computed for more than 5 ms before it gave one.
    """

    shed: int
    decode_cpu: float
    decoded_audio: float
    loop_asked: int = 0
    loop_held: int = 0


def parsed(exposition: str) -> dict[str, float]:
    """The readings without labels of a text in Prometheus' format, and the one that is named."""
    found: dict[str, float] = {}
    for line in exposition.splitlines():
        name, _, rest = line.partition(" ")
        if rest and ("{" not in name or name == LOOP_AT_ONCE) and not name.startswith("#"):
            found[name] = float(rest.split()[0])
    return found


async def read(url: str, api_key: str) -> Readings:
    """The server's readings; none where it has no such page or does not show it."""
    try:
        async with httpx.AsyncClient(timeout=10) as client:
            answer = await client.get(f"{url}/metrics", headers={"x-gladia-key": api_key})
    except httpx.HTTPError:  # another server's: whether this one lives, the sessions will tell
        return {}
    return parsed(answer.text) if answer.is_success and SHED in answer.text else {}


def between(before: Readings, after: Readings) -> Counted | None:
    """What was counted from one reading to the next; None where there is nothing to read."""
    if not before or not after:
        return None

    def grown(name: str) -> float:
        return after.get(name, 0.0) - before.get(name, 0.0)

    asked = round(grown(LOOP_ASKED))
    return Counted(
        round(grown(SHED)),
        round(grown(DECODE_CPU), 3),
        round(grown(DECODED_AUDIO), 1),
        asked,
        asked - round(grown(LOOP_AT_ONCE)),
    )
