"""Measures what engines invent in recordings without speech.

    PYTHONPATH=bench python -m accuracy.silence --audio DIR [--model whisper-base]

Live: the utterances that VAD finds, as a session requests them (final and partial), with the
default threshold and with the lowest. Engine alone: on pieces of 1, 3 and 8 s and on the whole.
Exits with 1 if any text is invented live with the default threshold.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from speech_corpus import open_engine

from accuracy.corpus import NO_SPEECH, CorpusError, Recording, languages_of, read_corpus
from accuracy.sound import read_sound
from accuracy.utterances import Span, Utterances
from vivavoce.audio.intake import Samples
from vivavoce.recognition.contract import SAMPLE_RATE, Engine
from vivavoce.speech.rules import EndpointingRules

THRESHOLDS = (0.6, 0.0)
"""``speech_threshold`` of the live path: the default, and the minimum."""
PIECES = (1, 3, 8)
PLACES = 3


@dataclass(frozen=True, slots=True)
class Tried:
    """An engine's result for a recording, divided in one way, in one language."""

    way: str
    recording: str
    language: str
    asked: int
    texts: tuple[str, ...]


def ways(audio: Samples, utterances: Utterances) -> Iterator[tuple[str, list[Span]]]:
    """Yield every way to divide a recording: its name and the spans to decode."""
    for threshold in THRESHOLDS:
        rules = EndpointingRules.from_settings(
            endpointing=0.05, maximum_duration=5, speech_threshold=threshold
        )
        yield f"live, threshold {threshold:g}", utterances.of(audio, rules)
    for seconds in PIECES:
        length = min(seconds * SAMPLE_RATE, len(audio))
        starts = {place * (len(audio) - length) // (PLACES - 1) for place in range(PLACES)}
        yield f"pieces of {seconds} s", [Span(at, at + length, at) for at in sorted(starts)]
    yield "whole", [Span(0, len(audio), 0)]


def hear(
    engine: Engine, recording: Recording, languages: Sequence[str], utterances: Utterances
) -> Iterator[Tried]:
    """Decode a recording divided in every way, as finals and as partials."""
    audio = read_sound(recording.path).samples()[0]
    for way, spans in ways(audio, utterances):
        for language in languages:
            requests = [
                span.request(audio, language, purpose)
                for span in spans
                for purpose in ("final", "partial")
            ]
            found = [engine.decode([request])[0].text.strip() for request in requests]
            yield Tried(way, recording.id, language, len(requests), tuple(filter(None, found)))


def markdown(model: str, tried: Sequence[Tried]) -> str:
    """Format a row for each way, and the invented texts."""
    lines = [f"{model}:", "", "| way | requests | with text | words |", "|---|---|---|---|"]
    for way in dict.fromkeys(each.way for each in tried):
        group = [each for each in tried if each.way == way]
        texts = [text for each in group for text in each.texts]
        asked, words = sum(each.asked for each in group), sum(len(text.split()) for text in texts)
        lines.append(f"| {way} | {asked} | {len(texts)} | {words} |")
    lines += ["", *(_made_up(each) for each in tried if each.texts), ""]
    return "\n".join(lines)


def _made_up(each: Tried) -> str:
    return f"- {each.way}, {each.recording}, {each.language}: {' | '.join(each.texts)[:100]}"


def main() -> None:
    """Print a table for each engine."""
    parser = argparse.ArgumentParser(
        prog="python -m accuracy.silence", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--audio", type=Path, required=True, help="folder with a manifest.jsonl")
    parser.add_argument(
        "--model", action="append", default=[], help="may be repeated; default both of ours"
    )
    parser.add_argument(
        "--language", action="append", default=[], help="default en, de, ja where it has them"
    )
    parser.add_argument("--models-dir", type=Path, help="folder of the models")
    options = parser.parse_args()
    try:
        any_language = languages_of(options.audio)[0]
        corpus = read_corpus(options.audio, any_language)
    except CorpusError as error:
        parser.error(str(error))
    silent = [each for each in corpus if each.group == NO_SPEECH]
    utterances = Utterances(options.models_dir)
    live = 0
    for model in options.model or ("moonshine-tiny-en", "whisper-base"):
        engine = open_engine(model, options.models_dir)
        wanted = options.language or ("en", "de", "ja")
        languages = [each for each in wanted if each in engine.capabilities.languages]
        tried = [
            each for recording in silent for each in hear(engine, recording, languages, utterances)
        ]
        print(markdown(model, tried))
        live += sum(len(t.texts) for t in tried if t.way.endswith(f"threshold {THRESHOLDS[0]:g}"))
    sys.exit(f"{live} texts made up live" if live else None)


if __name__ == "__main__":
    main()
