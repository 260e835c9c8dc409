"""Generates ``docs/benchmarks.md`` from the files of the measurements."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from performance.chart import Points, lines
from performance.plan import Step
from vivavoce.load.document import (
    Capacity,
    Document,
    Ingest,
    Latency,
    Long,
    Machine,
    Made,
    Overhead,
)
from vivavoce.load.report import markdown, told

FOLDER = "benchmarks"
"""Folder of the JSON files and the charts, next to the page."""

_HEAD = """# Benchmarks

`make bench` writes this page; `make bench QUICK=1` makes a rough version in a few minutes. Each \
table states the command that measures it alone, on this machine or, with `--url`, on another. \
[JSON files](benchmarks/) contain all figures.

The driver is a separate process on the same machine and takes a share of its CPU. *Driver late* \
is the maximum delay with which it sent a chunk: above a tenth of a second, latencies measure the \
driver rather than the server. *Other CPU s* is the CPU time of all other processes during the \
run: if it is high, the figures are worse than those of the server. *Failed* counts sessions that \
did not end correctly. Latencies are in seconds, median / 95th (/ 99th) percentile.

For the quality of transcripts, see [accuracy](benchmarks/accuracy.md) and \
[languages](benchmarks/languages.md).
"""

_LATENCY = """## Latency

All streams speak without a pause, in real time, in chunks of 100 ms; each begins at a different \
position of the recording.

- *Time to final*: from the last sample of speech to the utterance's final. The minimum is \
`endpointing` plus one window of 32 ms. Utterances cut at their maximum duration are not counted.
- *First text*: from the end of an utterance's first word to the first text.
- *Word shown*, *word final*: from the end of a word to its first partial, and to its final.
- *Stop to last final*: from `stop_recording` to the last final.
- *Partials / s*: partials per second that a stream received; *shed*: partials dropped in favour \
of more urgent work. *Taken back*: words shown and later changed or removed, per word of the finals.
- *Stable after*: from the end of a word to the partial that marks it as stable (`stable_words`): \
no later partial of the utterance changes it. *Stable / changed / refuted*: words marked as \
stable; those of them that a later partial changed, which must be 0; and those that the final \
does not begin with, because a final depends on the audio alone and not on partials.
- *CPU s / audio s*: CPU seconds of the whole server per second of audio of one stream.
- *Loop > 5 ms*: number of times the server's event loop computed for more than 5 ms before it \
answered its watchdog, and the number of checks.
"""

_CAPACITY = """## Capacity

The number of streams up to which 95 % of the finals arrive within half a second, and up to which \
words become final at most one second later than with one stream. *Talk 50 %* alternates five \
seconds of speech with five seconds of silence. The search ends at a resolution of one eighth.
"""

_OVERHEAD = """## Overhead

CPU time of the whole server, partials included, divided by that of the bare engine in one process \
on the same requests: the spans of the finals, each with the speech before it (*context*). The \
minimum is 1.0. The first row is one stream, with capacity left for partials; the last row exceeds \
the capacity of the machine, so that partials are dropped. *No context*: the engine on the same \
spans without the speech before them.
"""

_LONG = """## A long session

One session, sent faster than real time; a fifth of it is speech. The table shows whether latency, \
memory and cost stay constant.
"""

_INGEST = """## Intake

Sessions that send silence in chunks of 100 ms: the time until each chunk is acknowledged, that \
is, stored on disk. Every chunk counts, even if one acknowledgement covers several.
"""

_CAPACITY_NAMES = {True: "partials", False: "finals only"}


def read(folder: Path, steps: Iterable[Step]) -> dict[str, Document]:
    """Return the measurements by name; missing ones are omitted."""
    files = {step.name: folder / f"{step.name}.json" for step in steps}
    return {
        name: msgspec.json.decode(file.read_bytes(), type=Document)
        for name, file in files.items()
        if file.is_file()
    }


def page(steps: Sequence[Step], found: Mapping[str, Document], commit: str) -> str:
    """Return the whole page."""
    commands = {step.name: step.told for step in steps}
    parts = [_HEAD]
    if found:
        parts.append(_made(next(iter(found.values())).made, commit))
    sections = {"latency": _LATENCY, "capacity": _CAPACITY, "overhead": _OVERHEAD}
    sections |= {"long": _LONG, "ingest": _INGEST}
    for kind, text in sections.items():
        named = {name: each for name, each in found.items() if name.partition("-")[0] == kind}
        if named:
            parts.append(text)
            parts.append(_summary(named.values()))
            parts += [_measured(name, commands[name], each) for name, each in named.items()]
            parts.append(f"![{kind}]({FOLDER}/{kind}.svg)\n")
    return "\n".join(part for part in parts if part)


def _made(made: Made, commit: str) -> str:
    machine: Machine = made.machine
    models = ", ".join(f"{name} ({source})" for name, source in made.models.items())
    return (
        f"Measured {made.when[:16].replace('T', ' ')} UTC with Vivavoce {made.version}, commit "
        f"{commit}, Python {machine.python}, on {machine.cores} cores of {machine.processor}, "
        f"{machine.memory_gb:g} GB, {machine.system}. Models: {models}. `endpointing` "
        f"{made.settings['endpointing']:g}, `maximum_duration_without_endpointing` "
        f"{made.settings['maximum']:g}; speech: {made.settings['audio']} "
        f"({made.settings['language']}), 16 kHz, 16 bit, one channel.\n"
    )


def _measured(name: str, command: str, document: Document) -> str:
    title = ""
    if isinstance(document, Capacity):
        title = f"### {_CAPACITY_NAMES[document.partials]}, talk {document.talk} %\n\n"
    link = f"[figures]({FOLDER}/{name}.json)"
    return f"{title}{told(document)}\n\n`{command}` · {document.made.when[11:16]} UTC · {link}\n"


def _summary(documents: Iterable[Document]) -> str:
    """Compare the results if there are several measurements of a kind."""
    rows = [each for each in documents if isinstance(each, Capacity)]
    if not rows:
        return ""
    columns = (
        ("messages", lambda row: _CAPACITY_NAMES[row.partials]),
        ("talk %", lambda row: str(row.talk)),
        ("streams, time to final p95 in 0.5 s", lambda row: str(row.within)),
        ("streams before finals slip by 1 s", lambda row: str(row.before_slipping)),
    )
    return markdown(columns, rows) + "\n"


def charts(found: Mapping[str, Document]) -> dict[str, str]:
    """Draw an SVG for each kind of measurement."""
    drawn: dict[str, str] = {}
    capacities = [each for each in found.values() if isinstance(each, Capacity)]
    if capacities:
        drawn["capacity"] = _capacity_chart(capacities)
    for document in found.values():
        match document:
            case Latency():
                drawn["latency"] = _latency_chart(document)
            case Overhead():
                drawn["overhead"] = _overhead_chart(document)
            case Long():
                drawn["long"] = _long_chart(document)
            case Ingest():
                drawn["ingest"] = _ingest_chart(document)
            case _:
                pass
    return drawn


def _latency_chart(found: Latency) -> str:
    def of(name: str, share: str) -> Points:
        return [(row.streams, getattr(getattr(row, name), share)) for row in found.rows]

    series = {
        "time to final p50": of("time_to_final", "p50"),
        "time to final p95": of("time_to_final", "p95"),
        "word shown p50": of("word_shown", "p50"),
        "word shown p95": of("word_shown", "p95"),
    }
    return lines("Latency by streams", "streams", "seconds", series, log=True)


def _capacity_chart(found: Sequence[Capacity]) -> str:
    series = {
        f"{_CAPACITY_NAMES[each.partials]}, talk {each.talk} %": [
            (row.streams, row.time_to_final.p95) for row in each.rows
        ]
        for each in found
    }
    return lines("Time to final, p95, by streams", "streams", "seconds", series, log=True)


def _overhead_chart(found: Overhead) -> str:
    series = {
        "over the bare engine": [(row.streams, row.ratio) for row in found.rows],
        "over it without context": [(row.streams, row.ratio_without_context) for row in found.rows],
    }
    return lines("CPU of the server over the engine's", "streams", "ratio", series, log=False)


def _long_chart(found: Long) -> str:
    ends = [(part.end / 60, part) for part in found.slices]
    series = {"memory, MB": [(minute, part.resident_mb) for minute, part in ends]}
    return lines("Memory of the server over a session", "minutes", "MB", series, log=False)


def _ingest_chart(found: Ingest) -> str:
    def of(share: str) -> Points:
        rows = [(row.sessions, getattr(row.acknowledged, share)) for row in found.rows]
        return [(sessions, None if p is None else p * 1000) for sessions, p in rows]

    series = {f"ack {share}": of(share) for share in ("p50", "p95", "p99")}
    return lines("Acknowledgements by sessions", "sessions", "ms", series, log=True)
