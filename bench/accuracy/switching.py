"""Measures code switching: streams of two alternating languages, with the live server.

    PYTHONPATH=bench python -m accuracy.switching --audio DIR [--pair en,fr]

Each stream is composed of recordings of both languages in turn, with a pause between them. A final
belongs to the recording that contains its middle. Exits with 1 if a session failed.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from pathlib import Path

import numpy as np

from accuracy.bare import hear_whole
from accuracy.corpus import NO_SPEECH, CorpusError, read_corpus
from accuracy.identification import Spoken
from accuracy.live import Heard, live_server
from accuracy.progress import progress
from accuracy.scoring import BY_CHARACTER, Errors, count, normalizer, pooled
from accuracy.sound import Sound, read_sound
from vivavoce.audio.format import AudioFormat
from vivavoce.protocol.transcript import Utterance
from vivavoce.recognition.contract import SAMPLE_RATE

PAIRS = ("en,fr", "en,de", "en,es", "fr,it", "en,zh")
SETTINGS = ((0.3, 15.0), (0.05, 5.0))
"""``endpointing`` and maximum duration of the live sessions; the second are the API's defaults."""
SHORTEST, LONGEST = 2.0, 15.0
PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Stream:
    """Consecutive recordings; ``bounds``: seconds at which each begins, and the end."""

    languages: tuple[str, ...]
    parts: tuple[Spoken, ...]
    sound: Sound
    bounds: tuple[float, ...]

    def part_of(self, utterance: Utterance) -> Spoken:
        """Return the recording that contains an utterance's middle."""
        middle = (utterance.start + utterance.end) / 2
        place = int(np.searchsorted(self.bounds, middle, side="right")) - 1
        return self.parts[min(max(place, 0), len(self.parts) - 1)]


def read_stream(folder: Path, languages: Sequence[str], turns: int) -> Stream:
    """Build streams from recordings of each language in turn, evenly spread over the corpus."""
    each_language = [_chosen(folder, language, turns) for language in languages]
    turns = min(turns, *map(len, each_language))
    parts = tuple(chain.from_iterable(zip(*(each[:turns] for each in each_language), strict=True)))
    pieces = [np.pad(part.sound.samples()[0], (0, int(PAUSE * SAMPLE_RATE))) for part in parts]
    data = (np.clip(np.concatenate(pieces), -1, 1) * 32767).astype("<i2").tobytes()
    bounds = accumulate((len(piece) / SAMPLE_RATE for piece in pieces), initial=0.0)
    return Stream(tuple(languages), parts, Sound(AudioFormat(), data), tuple(bounds))


def _chosen(folder: Path, language: str, most: int) -> list[Spoken]:
    fit = [
        each
        for each in read_corpus(folder, language)
        if each.group != NO_SPEECH
        and SHORTEST <= each.seconds <= LONGEST
        and len(each.references) == 1
    ]
    every = max(1.0, len(fit) / most)
    chosen = [fit[int(at * every)] for at in range(min(most, len(fit)))]
    return [Spoken(language, each, read_sound(each.path)) for each in chosen]


@dataclass(frozen=True, slots=True)
class Part:
    """One language of one live stream: its finals, those labelled with it, and the errors."""

    finals: int
    right: int
    errors: Errors


def parts_of(stream: Stream, heard: Heard, language: str) -> Part:
    """Compute the results of one of the languages."""
    told = [(stream.part_of(final.utterance), final.utterance) for final in heard.finals]
    here = [utterance for part, utterance in told if part.language == language]
    texts = {
        part.recording.id: " ".join(u.text.strip() for of, u in told if of is part)
        for part in stream.parts
    }
    parts = [part for part in stream.parts if part.language == language]
    right = sum(utterance.language == language for utterance in here)
    errors = [_errors(part, texts[part.recording.id]) for part in parts]
    return Part(len(here), right, pooled(errors))


def _errors(part: Spoken, text: str) -> Errors:
    normal = normalizer(part.language, part.recording.group)
    return count(part.recording.references[0], text, normal)


def alone(stream: Stream, language: str, models: Path | None) -> Errors:
    """Return the errors of the engine alone, on whole recordings of known language."""
    parts = [part for part in stream.parts if part.language == language]
    texts, _ = hear_whole([part.sound for part in parts], language, models, lambda _: None)
    return pooled([_errors(part, text) for part, (text,) in zip(parts, texts, strict=True)])


async def live(streams: Sequence[Stream], models: Path | None) -> list[list[Heard]]:
    """Transcribe every stream with code switching between its languages, in every setting."""
    runs = []
    for endpointing, maximum in SETTINGS:
        run = []
        for stream in streams:
            async with live_server(
                language=stream.languages,
                code_switching=True,
                endpointing=endpointing,
                maximum_duration=maximum,
                models=models,
            ) as server:
                name = f"{'/'.join(stream.languages)}, {endpointing:g}/{maximum:g}"
                with progress(name, [stream.sound]) as done:
                    run += await server.hear_all([stream.sound], 1, done)
        runs.append(run)
    return runs


def markdown(
    streams: Sequence[Stream], runs: Sequence[Sequence[Heard]], models: Path | None
) -> str:
    """Format a row for each language of each stream, then the finals in a wrong language."""
    names = [f"{endpointing:g}/{maximum:g}" for endpointing, maximum in SETTINGS]
    cells = ["stream", "language", "recordings", "seconds", "unit", "engine alone, %"]
    cells += [cell for name in names for cell in (f"{name}: finals in it", "%", "errors, %")]
    lines = [_line(cells), _line(["---"] * len(cells))]
    wrong: list[str] = []
    for at, stream in enumerate(streams):
        for language in stream.languages:
            parts = [part for part in stream.parts if part.language == language]
            row: list[object] = ["/".join(stream.languages), language, len(parts)]
            row.append(f"{sum(part.sound.seconds for part in parts):.0f}")
            row.append("characters" if language in BY_CHARACTER else "words")
            row.append(f"{alone(stream, language, models).rate:.1f}")
            for run in runs:
                part = parts_of(stream, run[at], language)
                share = f"{100 * part.right / max(1, part.finals):.0f}"
                row += [f"{part.right} of {part.finals}", share, f"{part.errors.rate:.1f}"]
            lines.append(_line(row))
        for name, run in zip(names, runs, strict=True):
            wrong += [f"- {name}, {each}" for each in _mistakes(stream, run[at])]
    return "\n".join([*lines, "", *wrong])


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def _mistakes(stream: Stream, heard: Heard) -> list[str]:
    told = [(stream.part_of(final.utterance), final.utterance) for final in heard.finals]
    return [
        f"{part.recording.id}, {said.end - said.start:.1f} s: {said.language}: {said.text.strip()}"
        for part, said in told
        if part.language != said.language
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m accuracy.switching", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--audio", type=Path, required=True, help="folder with a manifest.jsonl")
    parser.add_argument(
        "--pair", action="append", default=[], help=f"two languages; default {' '.join(PAIRS)}"
    )
    parser.add_argument("--turns", type=int, default=6, help="of each language; default 6")
    parser.add_argument("--models-dir", type=Path, help="folder of the models")
    options = parser.parse_args()
    try:
        streams = [
            read_stream(options.audio, pair.split(","), options.turns)
            for pair in options.pair or PAIRS
        ]
    except CorpusError as error:
        parser.error(str(error))
    runs = asyncio.run(live(streams, options.models_dir))
    print(markdown(streams, runs, options.models_dir))
    sys.exit("\n".join(fault for run in runs for each in run for fault in each.faults) or None)


if __name__ == "__main__":
    main()
