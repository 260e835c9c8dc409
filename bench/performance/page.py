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

_HEAD = """# Benchmarks: how fast, how many, at what cost

This page is made by `make bench`; `make bench QUICK=1` makes a rough one in a few minutes. Each \
table says how to make it alone, on this machine or, with `--url`, on another. All figures are in \
[files](benchmarks/) too.

The driver is another process than the server, on the same machine, and takes its share of it. \
*Driver late* is the most by which it sent a chunk too late: where that is more than a tenth of a \
second, latencies tell of the driver. *Other CPU s* is what everything else on the machine used \
during the run: where that is much, the figures are worse than the server is. *Failed* counts \
sessions that did not end as they should; latencies are seconds, median / 95th (/ 99th) percentile.

How well it hears: [accuracy](benchmarks/accuracy.md), [languages](benchmarks/languages.md).
"""

_LATENCY = """## Latency

Streams that all talk without a pause, in real time, in chunks of 100 ms; each begins at another \
place of the recording.

- *Time to final*: from the last sample of speech to the utterance's final. The least possible is \
`endpointing` and one window of 32 ms. Utterances cut at their maximum duration have none.
- *First text*: from the end of an utterance's first word to the first text.
- *Word shown*, *word final*: from the end of a word to when it was first shown, and was final.
- *Stop to last final*: from the stop to the final that came after it.
- *Partials / s*: partials that a stream saw in a second; *shed*: partials that gave way to \
something more urgent. *Taken back*: words shown and then changed or removed, for each word of the \
finals.
- *Stable after*: from the end of a word to its being marked as stable, with `stable_words` of a \
partial: no later partial of the utterance changes it. *Stable / changed / refuted*: how many were \
marked; how many of them a later partial took back all the same, which must be 0; and how many the \
final does not begin with, for a final is a function of the audio alone and knows no partials.
- *CPU s / audio s*: processor seconds of the whole server for a second of one stream.
- *Loop > 5 ms*: how often the server's event loop had computed for more than 5 ms before it \
answered its watchdog, and how often that asked.
"""

_CAPACITY = """## Capacity

How many streams before 95 % of the finals are not within half a second any more, and before words \
become final a second later than for one stream alone. *Talk 50 %* is five seconds of speech, then \
five of silence. Searched to an eighth.
"""

_OVERHEAD = """## Overhead

Processor time of the whole server, partials included, over that of the engine alone in one \
process on the very same requests: the finals' spans, each with the speech before it (*context*). \
1.0 is the limit. The first line is one stream alone, where there is time for partials; the last \
one is more than the machine bears, where partials give way. *No context*: the engine on the same \
spans without the speech before them.
"""

_LONG = """## A long session

One session, sent faster than it would be spoken; a fifth of it is speech. Whether latency, memory \
and cost stay what they were.
"""

_INGEST = """## Intake

Sessions of silence, chunks of 100 ms: how soon each chunk is acknowledged, which means stored on \
disk. Every chunk counts, also where one acknowledgement answers several.
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
        f"Made {made.when[:16].replace('T', ' ')} UTC with Vivavoce {made.version}, commit "
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
