"""Measures language identification by the live server with several candidate languages.

    PYTHONPATH=bench python -m accuracy.first_language --audio DIR [--candidates de,en,fr]

With the default ``endpointing`` of 0.05 s, the first utterance contains the least speech possible.
Exits with 1 if a session failed.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from accuracy.corpus import CorpusError
from accuracy.identification import CANDIDATES, Spoken, corpus
from accuracy.live import Heard, live_server
from accuracy.progress import progress

SETTINGS = ((0.05, 5.0), (0.3, 15.0))
"""``endpointing`` and maximum duration; the first are the API's defaults."""
SESSIONS = 2


@dataclass(frozen=True, slots=True)
class Taken:
    """A session's result for a recording; ``languages`` and ``seconds`` are of its finals."""

    spoken: Spoken
    languages: tuple[str, ...]
    seconds: tuple[float, ...]
    faults: tuple[str, ...]

    @property
    def first(self) -> bool:
        """Whether the first final is in the language spoken."""
        return self.languages[:1] == (self.spoken.language,)

    @property
    def right_seconds(self) -> float:
        """Seconds of finals in the language spoken."""
        told = zip(self.languages, self.seconds, strict=True)
        return sum(seconds for language, seconds in told if language == self.spoken.language)


def taken(spoken: Spoken, heard: Heard) -> Taken:
    """Summarise a session."""
    utterances = [final.utterance for final in heard.finals]
    return Taken(
        spoken,
        tuple(each.language for each in utterances),
        tuple(each.end - each.start for each in utterances),
        heard.faults,
    )


async def measure(
    spoken: Sequence[Spoken], candidates: Sequence[str], models: Path | None
) -> list[list[Taken]]:
    """Transcribe every recording in its own session, in every setting."""
    sounds = [each.sound for each in spoken]
    found = []
    for endpointing, maximum in SETTINGS:
        async with live_server(
            language=candidates, endpointing=endpointing, maximum_duration=maximum, models=models
        ) as server:
            with progress(f"live, {endpointing:g}/{maximum:g}", sounds) as done:
                heard = await server.hear_all(sounds, SESSIONS, done)
        found.append([taken(*pair) for pair in zip(spoken, heard, strict=True)])
    return found


def markdown(found: Sequence[Sequence[Taken]]) -> str:
    """Format a row for each setting, by length of the first final, then the errors."""
    lines = [
        "| live | first final | recordings | first final right, % | seconds of finals right, % |",
        "|---|---|---|---|---|",
    ]
    wrong: list[str] = []
    for (endpointing, maximum), run in zip(SETTINGS, found, strict=True):
        name = f"{endpointing:g}/{maximum:g}"
        heard = [each for each in run if each.languages]
        for what, fits in _LENGTHS:
            group = [each for each in heard if fits(each.seconds[0])]
            lines.append(f"| {name} | {what} | {len(group)} | {_right(group)} | {_share(group)} |")
        silent = [each.spoken.recording.id for each in run if not each.languages]
        wrong += [f"- {name}, no final: {', '.join(silent)}"] if silent else []
        wrong += [f"- {name}, {_mistake(each)}" for each in heard if not each.first]
    return "\n".join([*lines, "", *wrong])


_LENGTHS: Sequence[tuple[str, Callable[[float], bool]]] = (
    ("any", lambda _: True),
    ("2 s or more", lambda seconds: seconds >= 2),  # noqa: PLR2004 - as the label says
    ("shorter", lambda seconds: seconds < 2),  # noqa: PLR2004
)


def _right(group: Sequence[Taken]) -> str:
    return f"{100 * sum(each.first for each in group) / len(group):.1f}" if group else "-"


def _share(group: Sequence[Taken]) -> str:
    total = sum(sum(each.seconds) for each in group)
    return f"{100 * sum(each.right_seconds for each in group) / total:.1f}" if total else "-"


def _mistake(each: Taken) -> str:
    said = ", ".join(
        f"{language} {seconds:.1f} s"
        for language, seconds in zip(each.languages, each.seconds, strict=True)
    )
    return f"{each.spoken.recording.id}: {said}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m accuracy.first_language", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--audio", type=Path, required=True, help="folder with a manifest.jsonl")
    parser.add_argument(
        "--candidates", default=CANDIDATES, help=f"to choose from; default {CANDIDATES}"
    )
    parser.add_argument("--most", type=int, default=40, help="recordings of a language; default 40")
    parser.add_argument("--models-dir", type=Path, help="folder of the models")
    options = parser.parse_args()
    candidates = options.candidates.split(",")
    try:
        spoken = [
            each for each in corpus(options.audio, options.most) if each.language in candidates
        ]
    except CorpusError as error:
        parser.error(str(error))
    found = asyncio.run(measure(spoken, candidates, options.models_dir))
    print(markdown(found))
    sys.exit("\n".join(fault for run in found for each in run for fault in each.faults) or None)


if __name__ == "__main__":
    main()
