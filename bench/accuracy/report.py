"""The measurement as Markdown tables and as JSON."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from accuracy.corpus import NO_SPEECH
from accuracy.measure import Measured, Plan, Row
from accuracy.scoring import (
    Errors,
    Interval,
    difference_interval,
    pooled,
    rate_interval,
)

_HEAD = (
    "| group | recordings | seconds | words | whole, % | live, % | 95 % | sub | del | ins "
    "| live - whole | 95 % |\n|---|---|---|---|---|---|---|---|---|---|---|---|"
)


def groups(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows with speech by group, in the manifest's order."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row.recording.group != NO_SPEECH:
            found.setdefault(row.recording.group, []).append(row)
    return found


def markdown(plan: Plan, measured: Measured) -> str:
    """Every table, with the settings above it and the costs below."""
    by_group = groups(measured.rows)
    spoken = [row for rows in by_group.values() for row in rows]
    lines = [
        f"`endpointing` {plan.endpointing:g}, maximum duration {plan.maximum_duration:g} s",
        "",
        _HEAD,
        *(_line(name, rows) for name, rows in by_group.items()),
        _line("**all**", spoken),
        "",
        *_doubtful(spoken),
        *_without_speech(measured.rows),
        *_costs(plan, measured),
    ]
    return "\n".join(lines)


def _line(name: str, rows: Sequence[Row]) -> str:
    figures = summary(rows)
    live: Errors = pooled([row.live_errors for row in rows])
    cells = (
        name,
        figures["recordings"],
        f"{figures['seconds']:.0f}",
        live.words,
        f"{figures['whole']:.1f}",
        f"{figures['live']:.1f}",
        _interval(figures["live_95"], "{:.1f}"),
        live.substitutions,
        live.deletions,
        live.insertions,
        f"{figures['difference']:+.1f}",
        _interval(figures["difference_95"], "{:+.1f}"),
    )
    return "| " + " | ".join(map(str, cells)) + " |"


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Pooled rates of some rows in percent, differences in points."""
    whole = [row.whole_errors for row in rows]
    live = [row.live_errors for row in rows]
    return {
        "recordings": len(rows),
        "seconds": sum(row.recording.seconds for row in rows),
        "whole": pooled(whole).rate,
        "whole_95": rate_interval(whole),
        "live": pooled(live).rate,
        "live_95": rate_interval(live),
        "difference": pooled(live).rate - pooled(whole).rate,
        "difference_95": difference_interval(live, whole),
    }


def _interval(interval: Interval | None, form: str) -> str:
    return " to ".join(form.format(end) for end in interval) if interval else "-"


def _doubtful(rows: Iterable[Row]) -> Iterable[str]:
    """Texts that belong to other recordings ruin a table and are easily overlooked."""
    ids = [
        row.recording.id
        for row in rows
        if min(row.whole_errors.insertions, row.live_errors.insertions) > row.live_errors.words
    ]
    if ids:
        yield "Both ways hear more than twice the words of the manifest in: " + ", ".join(ids)
        yield ""


def _without_speech(rows: Sequence[Row]) -> Iterable[str]:
    silent = [row for row in rows if row.recording.group == NO_SPEECH]
    if not silent:
        return
    seconds = sum(row.recording.seconds for row in silent)
    live = [row.recording.id for row in silent if row.live_errors.insertions]
    yield (
        f"Without speech: {len(silent)} recordings, {seconds:.0f} s. Words heard live: "
        f"{pooled([row.live_errors for row in silent]).insertions}"
        f"{' (' + ', '.join(live) + ')' if live else ''}; by the engine on the whole recording: "
        f"{pooled([row.whole_errors for row in silent]).insertions}."
    )
    yield ""


def _costs(plan: Plan, measured: Measured) -> Iterable[str]:
    engine, server = (
        spent / measured.seconds for spent in (measured.engine_cpu, measured.server_cpu)
    )
    yield (
        f"CPU seconds per second of audio ({measured.seconds:.0f} s): engine alone {engine:.3f}; "
        f"server with its workers {server:.3f}, {plan.sessions} sessions at once."
    )
    yield ""
    steady = sum("other finals" in fault for fault in measured.faults)
    yield (
        f"Heard twice more, alone and {plan.sessions * 2 + 1} at once: {measured.repeated} "
        f"recordings; other finals: {steady}. Faults in all: {len(measured.faults)}."
    )


def as_json(plan: Plan, measured: Measured, *, texts: bool) -> dict[str, Any]:
    """Everything, with a row per recording; the texts only where asked for."""
    by_group = groups(measured.rows)
    spoken = [row for rows in by_group.values() for row in rows]
    return {
        "language": plan.language,
        "endpointing": plan.endpointing,
        "maximum_duration": plan.maximum_duration,
        "sessions": plan.sessions,
        "audio_seconds": round(measured.seconds, 3),
        "engine_cpu_seconds": round(measured.engine_cpu, 2),
        "server_cpu_seconds": round(measured.server_cpu, 2),
        "repeated": measured.repeated,
        "faults": measured.faults,
        "groups": {name: summary(rows) for name, rows in (*by_group.items(), ("all", spoken))},
        "recordings": [_row(row, texts=texts) for row in measured.rows],
    }


def dumped(found: dict[str, Any]) -> str:
    """JSON with a line per recording, so that two runs can be compared line by line."""
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in found["recordings"])
    head = json.dumps({**found, "recordings": []}, indent=1, ensure_ascii=False)
    return head.replace('"recordings": []', f'"recordings": [\n{rows}\n]') + "\n"


def _row(row: Row, *, texts: bool) -> dict[str, Any]:
    figures = {
        "id": row.recording.id,
        "group": row.recording.group,
        "seconds": row.recording.seconds,
        "utterances": row.utterances,
        "whole": asdict(row.whole_errors),
        "live": asdict(row.live_errors),
    }
    if texts:
        figures |= {
            "references": row.recording.references,
            "whole_texts": row.whole,
            "live_texts": row.live,
        }
    return figures
