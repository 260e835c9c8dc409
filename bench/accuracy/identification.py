"""Measures an engine's language identification after 1, 2, 3 and 5 s of speech.

    PYTHONPATH=bench python -m accuracy.identification --audio DIR [--candidates de,en,fr]

Each request spans from the beginning of speech, as VAD detects it, to the point where that much
speech was detected, as in a session.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace
from speech_corpus import open_engine

from accuracy.corpus import NO_SPEECH, CorpusError, Recording, languages_of, read_corpus
from accuracy.progress import progress
from accuracy.sound import Sound, read_sound
from accuracy.utterances import Span, Utterances
from vivavoce.recognition.contract import SAMPLE_RATE, Engine

SECONDS = (1.0, 2.0, 3.0, 5.0)
CANDIDATES = "de,en,es,fr,it,ja,ko,pt"
SURE = 0.6
"""A session keeps a result of at least this probability for longer than one utterance."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A recording and its language."""

    language: str
    recording: Recording
    sound: Sound


@dataclass(frozen=True, slots=True)
class Guess:
    """The language identified in a recording, after how much speech, among how many candidates."""

    spoken: Spoken
    seconds: float
    candidates: int
    language: str
    probability: float

    @property
    def right(self) -> bool:
        """Whether the identified language is right."""
        return self.language == self.spoken.language


def corpus(folder: Path, most: int) -> list[Spoken]:
    """Choose recordings of every language, evenly spread, with a limit for each."""
    found: list[Spoken] = []
    for language in languages_of(folder):
        spoken = [each for each in read_corpus(folder, language) if each.group != NO_SPEECH]
        every = max(1.0, len(spoken) / most)
        chosen = [spoken[int(at * every)] for at in range(min(most, len(spoken)))]
        found += [Spoken(language, each, read_sound(each.path)) for each in chosen]
    return found


def guesses(
    engine: Engine,
    utterances: Utterances,
    spoken: Sequence[Spoken],
    candidates: Sequence[str],
    done: Callable[[Sound], None],
) -> Iterator[Guess]:
    """Query the start of every long enough recording, among all and among the candidates."""
    for each in spoken:
        audio = each.sound.samples()[0]
        for seconds in SECONDS:
            span = _beginning(utterances.of(audio), seconds)
            if span is None:
                continue
            question = span.request(audio, "", "language")
            for among in ((), tuple(candidates)):
                if among and each.language not in among:
                    continue
                (answer,) = engine.decode([replace(question, languages=among)])
                yield Guess(each, seconds, len(among), answer.language, answer.confidence)
        done(each.sound)


def _beginning(found: Sequence[Span], seconds: float) -> Span | None:
    """Return audio up to that much speech, pauses not counted; None if there is less."""
    wanted = round(seconds * SAMPLE_RATE)
    for span in found:
        spoken = span.end - span.speech_start
        if spoken >= wanted:
            return Span(found[0].start, span.speech_start + wanted, found[0].speech_start)
        wanted -= spoken
    return None


def markdown(made: Sequence[Guess], candidates: int) -> str:
    """Format a row for each number of seconds and candidates, then one for each error."""
    lines = [
        "| speech, s | candidates | recordings | right, % | sure, % | right where sure, % |",
        "|---|---|---|---|---|---|",
    ]
    for among in (candidates, 0):
        for seconds in SECONDS:
            group = [each for each in made if (each.seconds, each.candidates) == (seconds, among)]
            sure = [each for each in group if each.probability >= SURE]
            cells = [f"{seconds:g}", among or "all", len(group)]
            cells += [_percent(group), f"{100 * len(sure) / max(1, len(group)):.0f}"]
            lines.append("| " + " | ".join(map(str, [*cells, _percent(sure)])) + " |")
    wrong = [each for each in made if not each.right and each.candidates]
    lines += ["", f"Mistakes among {candidates}:", *map(_mistake, wrong)]
    return "\n".join(lines)


def _percent(group: Sequence[Guess]) -> str:
    return f"{100 * sum(each.right for each in group) / len(group):.1f}" if group else "-"


def _mistake(each: Guess) -> str:
    spoken = each.spoken
    return (
        f"- {spoken.recording.id}, {each.seconds:g} s: {each.language} ({each.probability:.2f})"
        f" instead of {spoken.language}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m accuracy.identification", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--audio", type=Path, required=True, help="folder with a manifest.jsonl")
    parser.add_argument(
        "--candidates", default=CANDIDATES, help=f"restricted to these; default {CANDIDATES}"
    )
    parser.add_argument("--most", type=int, default=40, help="recordings of a language; default 40")
    parser.add_argument("--model", default="whisper-base", help="default whisper-base")
    parser.add_argument("--models-dir", type=Path, help="folder of the models")
    options = parser.parse_args()
    candidates = options.candidates.split(",")
    try:
        spoken = corpus(options.audio, options.most)
    except CorpusError as error:
        parser.error(str(error))
    engine = open_engine(options.model, options.models_dir)
    with progress("languages", [each.sound for each in spoken]) as done:
        made = list(guesses(engine, Utterances(options.models_dir), spoken, candidates, done))
    print(markdown(made, len(candidates)))


if __name__ == "__main__":
    main()
