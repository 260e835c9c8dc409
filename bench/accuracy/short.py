"""Measures short answers between silences: digits, letters, one to three words.

    PYTHONPATH=bench python -m accuracy.short --audio DIR [--model ID]
    PYTHONPATH=bench python -m accuracy.short --audio DIR --cut

Each is cut out of a recording and put between silences built from that recording's quietest span.
``--cut`` searches for them again and writes the list that is stored here.
"""

import argparse
import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
from speech_corpus import open_engine

from accuracy.cache import Cache, TimedEngine, open_cache
from accuracy.corpus import DIGITS, NO_SPEECH, Recording, read_corpus
from accuracy.hearing import Heard, hear, listen
from accuracy.islands import (
    FRAME,
    MARGIN,
    MOST_WORDS,
    Floats,
    Island,
    answers,
    islands,
    loudness,
    one_each,
    quietest,
)
from accuracy.options import common
from accuracy.scoring import Errors, count, normalizer, pooled, rate_interval
from accuracy.settings import LIVE, WHOLE
from accuracy.sound import Sound, read_sound
from vivavoce.audio.format import AudioFormat
from vivavoce.inference import open_graph
from vivavoce.places import models_folder
from vivavoce.recognition.catalogue import load_catalogue
from vivavoce.recognition.contract import SAMPLE_RATE, DecodeRequest
from vivavoce.recognition.store import ModelStore
from vivavoce.server.voices import Voices
from vivavoce.speech.silero import VoiceActivity

LIST = Path(__file__).with_name("short_answers.json")
MODELS = ("moonshine-tiny-en", "whisper-base")
WAYS = (WHOLE, LIVE[0], LIVE[2])
BEFORE, AFTER = 0.8, 1.2
"""Seconds of silence around an answer."""
QUIET = 25.0
"""Decibels below the speech; a louder span is not silence."""
MOST_OF_A_RECORDING = 2
"""Maximum answers of a recording of sentences, so that all have similar weight."""

_DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_NUMBERS = re.compile(
    r"[\d,]+|ten|eleven|twelve|\w+teen|\w+ty|hundred|thousand|" + "|".join(_DIGITS)
)


class Answer(msgspec.Struct, frozen=True):
    """A piece of a recording; positions in seconds, ``noise`` is its quietest span."""

    id: str
    kind: str
    start: float
    end: float
    noise: tuple[float, float]
    text: str


def sound_of(answer: Answer, samples: Floats) -> Sound:
    """Return the answer between silences, as sent by a session at 16 kHz."""

    def part(start: float, end: float) -> Floats:
        return samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]

    noise = part(*answer.noise)
    there_and_back = np.concatenate((noise, noise[::-1]))  # joins without a click

    def silence(seconds: float) -> Floats:
        if not len(noise):
            return np.zeros(round(seconds * SAMPLE_RATE), np.float32)
        return np.resize(there_and_back, round(seconds * SAMPLE_RATE))

    spoken = (silence(BEFORE), part(answer.start, answer.end), silence(AFTER))
    sound = np.clip(np.concatenate(spoken) * 32768, -32768, 32767).astype("<i2")
    return Sound(AudioFormat(), sound.tobytes())


def cut(recording: Recording, samples: Floats, engines: Sequence[TimedEngine]) -> list[Answer]:
    """Return the short answers in a recording."""
    decibels = loudness(samples)
    found = islands(decibels)
    words = recording.references[0].split()
    if recording.group == DIGITS:
        pieces = one_each(words, decibels)
    elif len(words) <= MOST_WORDS and len(found) == 1:
        pieces = [(found[0], " ".join(words))]
    else:
        request = DecodeRequest(samples.astype("<f4").tobytes(), "final", "en")
        every = [answers(words, engine.decode(request).words, found) for engine in engines]
        by_place = {piece[0].start: piece for pieces in every for piece in pieces}
        pieces = sorted(by_place.values(), key=lambda piece: _drawn(recording.id, piece[1]))
        pieces = pieces[:MOST_OF_A_RECORDING]
    quiet = quietest(decibels)
    if decibels[quiet.start : quiet.end].max() > np.percentile(decibels, 95) - QUIET:
        quiet = Island(0, 0)  # no pause in the speech: digital silence
    return [
        Answer(
            recording.id,
            _kind(recording, text),
            _seconds(max(island.start - MARGIN, 0)),
            _seconds(island.end + MARGIN),
            (_seconds(quiet.start), _seconds(quiet.end)),
            text,
        )
        for island, text in pieces
    ]


def _seconds(frame: int) -> float:
    return round(frame * FRAME / SAMPLE_RATE, 2)


def _drawn(*names: str) -> bytes:
    return hashlib.sha256("|".join(names).encode()).digest()


def _kind(recording: Recording, text: str) -> str:
    words = re.sub(r"[^\w\s,]", "", text.lower()).split()
    if recording.group == DIGITS and "spelled" in recording.id:
        return "spelled digit" if words[0] in _DIGITS else "spelled letter"
    if all(_NUMBERS.fullmatch(word) for word in words):
        return "digit" if words[0] in _DIGITS and len(words) == 1 else "number"
    source = "prompt" if recording.group == "telephone prompts" else recording.group
    return f"{source}, {'one word' if len(words) == 1 else '2 or 3 words'}"


def write_list(recordings: Sequence[Recording], engines: Sequence[TimedEngine]) -> None:
    """Search all recordings of one channel."""
    found = [
        answer
        for recording in recordings
        if len(recording.references) == 1 and recording.group not in _LEFT_OUT
        for answer in cut(recording, read_sound(recording.path).samples()[0], engines)
    ]
    lines = ",\n".join(msgspec.json.encode(each).decode() for each in found)
    LIST.write_text(f"[\n{lines}\n]\n", "utf-8")
    print(f"{len(found)} short answers written to {LIST}")


_LEFT_OUT = (NO_SPEECH, "noisy, reverberant, faint", "synthetic voice")


def measure(
    recordings: Sequence[Recording], engine: TimedEngine, voice_activity: VoiceActivity
) -> Iterator[tuple[Answer, list[Heard]]]:
    """Transcribe every answer whole and live."""
    by_id = {recording.id: recording for recording in recordings}
    for answer in msgspec.json.decode(LIST.read_bytes(), type=list[Answer]):
        if answer.id in by_id:
            samples = read_sound(by_id[answer.id].path).samples()[0]
            listened = listen(voice_activity, sound_of(answer, samples))
            yield answer, [hear(engine, way, "en", listened) for way in WAYS]


def show(model: str, found: Sequence[tuple[Answer, list[Heard]]], *, every: bool) -> None:
    """Print errors by kind, and the texts recognised instead."""
    names = [way.name for way in WAYS]
    print(f"{model}:\n")
    heads = (f"{name}, %" for name in names)
    print(f"| kind | answers | {' | '.join(heads)} | 95 %, {names[1]} | no text | CPU s |")
    print("|" + "---|" * (len(names) + 5))
    kinds = sorted({answer.kind for answer, _ in found})
    for kind in (*kinds, None):
        some = [pair for pair in found if kind in (None, pair[0].kind)]
        errors = [[_errors(answer, heard[at]) for answer, heard in some] for at in range(len(WAYS))]
        rates = " | ".join(f"{pooled(each).rate:.1f}" for each in errors)
        interval = rate_interval(errors[1])
        between = "{:.0f} to {:.0f}".format(*interval) if interval else "-"
        silent = sum(not _text(heard[1]).strip() for _, heard in some)
        cpu = sum(heard[1].cpu for _, heard in some) / len(some)
        print(f"| {kind or '**all**'} | {len(some)} | {rates} | {between} | {silent} | {cpu:.3f} |")
    print()
    for answer, heard in found:
        texts = [_text(each).strip() for each in heard]
        if every and any(_errors(answer, each).wrong for each in heard):
            print(f"{answer.kind} | {answer.text} | {' | '.join(texts)} | {answer.id}")


def _text(heard: Heard) -> str:
    return " ".join(heard.texts[0])


def _errors(answer: Answer, heard: Heard) -> Errors:
    return count(answer.text, _text(heard), normalizer("en", DIGITS))


def main() -> None:
    """Measure, or write the list."""
    parser = common("accuracy.short", __doc__ or "")
    parser.add_argument("--cut", action="store_true", help="make the list anew")
    parser.add_argument("--model", action="append", help="id; may be repeated")
    parser.add_argument("--every", action="store_true", help="show each that was heard wrong")
    parser.add_argument("--cache", type=Path, help="file of the answers so far")
    options = parser.parse_args()
    recordings = read_corpus(options.audio, "en", options.skip)
    store = ModelStore(options.models_dir or models_folder())
    hearing = VoiceActivity(open_graph(Voices(store).voice_activity_model()))
    with open_cache(options.cache) as cache:
        engines = [timed_engine(model, store, cache, options) for model in options.model or MODELS]
        if options.cut:
            write_list(recordings, engines)
            return
        for engine in engines:
            show(engine.name, list(measure(recordings, engine, hearing)), every=options.every)


def timed_engine(
    model: str, store: ModelStore, cache: Cache, options: argparse.Namespace
) -> TimedEngine:
    """Load a model with its cached answers."""
    engine = open_engine(model, options.models_dir)
    engine.warm_up()
    return TimedEngine(model, engine, store.path(load_catalogue().model(model)), cache)


if __name__ == "__main__":
    main()
