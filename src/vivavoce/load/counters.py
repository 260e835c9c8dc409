"""Reads a server's own counters from ``/metrics``, before and after a run."""

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
    """Increments of the server's counters during a run.

    Attributes:
        shed: partials dropped in favour of more urgent jobs.
        decode_cpu: processor seconds inside the engines.
        decoded_audio: seconds of audio decoded, including context and repeats.
        loop_asked: number of event loop latency probes.
        loop_held: number of probes answered after more than 5 ms of computation.
    """

    shed: int
    decode_cpu: float
    decoded_audio: float
    loop_asked: int = 0
    loop_held: int = 0


def parsed(exposition: str) -> dict[str, float]:
    """Parse Prometheus text: readings without labels, and ``LOOP_AT_ONCE``."""
    found: dict[str, float] = {}
    for line in exposition.splitlines():
        name, _, rest = line.partition(" ")
        if rest and ("{" not in name or name == LOOP_AT_ONCE) and not name.startswith("#"):
            found[name] = float(rest.split()[0])
    return found


async def read(url: str, api_key: str) -> Readings:
    """Return the server's readings; empty if they are not available."""
    try:
        async with httpx.AsyncClient(timeout=10) as client:
            answer = await client.get(f"{url}/metrics", headers={"x-gladia-key": api_key})
    except httpx.HTTPError:  # not a Vivavoce server, or down, which the sessions will show
        return {}
    return parsed(answer.text) if answer.is_success and SHED in answer.text else {}


def between(before: Readings, after: Readings) -> Counted | None:
    """Return the increments from one reading to the next; None without readings."""
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
