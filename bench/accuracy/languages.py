"""Compares the live server with its own engine on whole recordings in every language.

    PYTHONPATH=bench python -m accuracy.languages --audio DIR [--language de] [--out FILE]

Character errors for scripts without spaces and for Korean, word errors otherwise. Exits with 1 if
a session failed.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accuracy.bare import hear_whole
from accuracy.corpus import NO_SPEECH, CorpusError, Recording, languages_of, read_corpus
from accuracy.live import Heard, live_server
from accuracy.progress import progress
from accuracy.scoring import BY_CHARACTER, Errors, count, difference_interval, normalizer, pooled
from accuracy.sound import read_sound

SETTINGS = ((0.3, 15.0), (0.05, 5.0))
"""``endpointing`` and maximum duration of the live sessions; the second are the API's defaults."""

SESSIONS = 2
ENOUGH_SECONDS = 90


@dataclass(frozen=True, slots=True)
class Row:
    """One language: its recordings, and the errors on each, whole and per live setting."""

    language: str
    recordings: Sequence[Recording]
    whole: Sequence[Errors]
    live: Sequence[Sequence[Errors]]
    texts: Sequence[Sequence[str]]
    faults: Sequence[str]
    seconds: float
    engine_cpu: float


def choose(recordings: Sequence[Recording], most_seconds: float) -> list[Recording]:
    """Choose recordings with speech, evenly spread over the corpus, up to a total duration."""
    spoken = [each for each in recordings if each.group != NO_SPEECH]
    total = sum(each.seconds for each in spoken)
    if not most_seconds or total <= most_seconds:
        return spoken
    every = total / most_seconds
    return [each for index, each in enumerate(spoken) if index // every != (index - 1) // every]


async def measure(
    language: str, chosen: Sequence[Recording], models: Path | None, context: float | None
) -> Row:
    """Transcribe the recordings of a language whole, and live in every setting."""
    sounds = [read_sound(each.path) for each in chosen]
    with progress(f"{language}: engine alone", sounds) as done:
        whole, engine_cpu = hear_whole(sounds, language, models, done)
    heard: list[list[Heard]] = []
    for endpointing, maximum in SETTINGS:
        async with live_server(
            language=language,
            endpointing=endpointing,
            maximum_duration=maximum,
            models=models,
            context=context,
        ) as server:
            with progress(f"{language}: live, {endpointing:g}/{maximum:g}", sounds) as done:
                heard.append(await server.hear_all(sounds, SESSIONS, done))
    lives = [
        [
            tuple(map(each.channel_text, range(len(r.references))))
            for each, r in zip(run, chosen, strict=True)
        ]
        for run in heard
    ]
    ways = [whole, *lives]
    return Row(
        language=language,
        recordings=chosen,
        whole=_errors(language, chosen, whole),
        live=[_errors(language, chosen, texts) for texts in lives],
        texts=[[" / ".join(way[at]) for way in ways] for at in range(len(chosen))],
        faults=[f"{language}: {fault}" for run in heard for each in run for fault in each.faults],
        seconds=sum(sound.seconds * sound.format.channels for sound in sounds),
        engine_cpu=engine_cpu,
    )


def _errors(
    language: str, chosen: Sequence[Recording], texts: Sequence[tuple[str, ...]]
) -> list[Errors]:
    return [
        pooled(
            [
                count(reference, text, normalizer(language, recording.group))
                for reference, text in zip(recording.references, heard, strict=True)
            ]
        )
        for recording, heard in zip(chosen, texts, strict=True)
    ]


def markdown(rows: Sequence[Row]) -> str:
    """Format a row for each language."""
    names = [f"{endpointing:g}/{maximum:g}" for endpointing, maximum in SETTINGS]
    cells = ["language", "recordings", "seconds", "unit", "number", "whole, %"]
    cells += [cell for name in names for cell in (f"live {name}, %", "- whole", "95 %")]
    cells.append("engine CPU")
    lines = [_line(cells), _line(["---"] * len(cells)), *(_line(_figures(row)) for row in rows)]
    lines += ["", f"Languages with under {ENOUGH_SECONDS} s of audio say little: {_small(rows)}."]
    return "\n".join(lines)


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def _small(rows: Sequence[Row]) -> str:
    return ", ".join(row.language for row in rows if row.seconds < ENOUGH_SECONDS) or "none"


def _figures(row: Row) -> list[object]:
    whole = pooled(row.whole)
    cells: list[object] = [
        row.language,
        len(row.recordings),
        f"{row.seconds:.0f}",
        "characters" if row.language in BY_CHARACTER else "words",
        whole.words,
        f"{whole.rate:.1f}",
    ]
    for live in row.live:
        rate = pooled(live).rate
        interval = difference_interval(live, row.whole)
        between = f"{interval[0]:+.1f} to {interval[1]:+.1f}" if interval else "-"
        cells += [f"{rate:.1f}", f"{rate - whole.rate:+.1f}", between]
    return [*cells, f"{row.engine_cpu / row.seconds:.3f}"]


def as_json(rows: Sequence[Row], *, texts: bool) -> dict[str, Any]:
    """Return the error rates by language, and a row for each recording."""
    return {
        "settings": SETTINGS,
        "languages": {
            row.language: {
                "seconds": round(row.seconds, 1),
                "whole": pooled(row.whole).rate,
                "live": [pooled(live).rate for live in row.live],
                "engine_cpu_seconds": round(row.engine_cpu, 2),
            }
            for row in rows
        },
        "faults": [fault for row in rows for fault in row.faults],
        "recordings": [
            {
                "language": row.language,
                "id": recording.id,
                "units": row.whole[at].words,
                "whole": row.whole[at].wrong,
                "live": [live[at].wrong for live in row.live],
                **({"reference": recording.references, "texts": row.texts[at]} if texts else {}),
            }
            for row in rows
            for at, recording in enumerate(row.recordings)
        ],
    }


def main() -> None:
    """Print the table, and write JSON if requested."""
    parser = argparse.ArgumentParser(
        prog="python -m accuracy.languages", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument(
        "--audio", type=Path, required=True, help="folder of recordings with a manifest.jsonl"
    )
    parser.add_argument(
        "--language", action="append", default=[], help="one of them, may be repeated; default all"
    )
    parser.add_argument(
        "--most-seconds", type=float, default=0, help="of audio in each language; default all"
    )
    parser.add_argument(
        "--context", type=float, help="the server's setting in seconds, 0 for none; default its own"
    )
    parser.add_argument("--models-dir", type=Path, help="folder of the models")
    parser.add_argument("--no-texts", action="store_true", help="only counts in the JSON")
    parser.add_argument("--out", type=Path, help="write everything found here, as JSON")
    options = parser.parse_args()
    rows = []
    try:
        for language in options.language or languages_of(options.audio):
            chosen = choose(read_corpus(options.audio, language), options.most_seconds)
            rows.append(asyncio.run(measure(language, chosen, options.models_dir, options.context)))
    except CorpusError as error:
        parser.error(str(error))
    print(markdown(rows))
    if options.out:
        found = as_json(rows, texts=not options.no_texts)
        options.out.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    sys.exit("\n".join(fault for row in rows for fault in row.faults) or None)


if __name__ == "__main__":
    main()
