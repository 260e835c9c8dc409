"""Counts words recognised in sounds without speech.

    PYTHONPATH=bench python -m accuracy.nonspeech build DIR
    PYTHONPATH=bench python -m accuracy.inventions --sounds DIR [--half 1] [--babble AUDIO]

Every sound is a separate session, with faint noise before and after it. The table has a row for
each kind: sounds, utterances that VAD detected, finals with words, their words, and ids that a
partial showed. ``--babble`` mixes six recordings of AUDIO at a time: real speech of which no word
is intelligible. Exits with 1 if there are words, except in babble.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from accuracy.cache import open_cache
from accuracy.corpus import NO_SPEECH, read_corpus
from accuracy.hearing import Listened, listen
from accuracy.nonspeech import read_items
from accuracy.options import models
from accuracy.played import Played, play
from accuracy.settings import ALONE, LIVE, Setting
from accuracy.short import MODELS, timed_engine
from accuracy.sound import Sound, read_sound
from vivavoce.audio.format import AudioFormat
from vivavoce.inference import open_graph
from vivavoce.places import models_folder
from vivavoce.recognition.contract import SAMPLE_RATE
from vivavoce.recognition.store import ModelStore
from vivavoce.server.voices import Voices
from vivavoce.speech.silero import VoiceActivity

BABBLE = "babble of six voices"
VOICES = 6
BABBLES = 20
BABBLE_SECONDS = 8
BEFORE, AFTER = 0.3, 1.2
"""Seconds of faint noise around a sound."""


def padded(sound: Sound) -> Sound:
    """Return the sound with faint noise around it."""
    random = np.random.default_rng(0)

    def noise(seconds: float) -> bytes:
        samples = np.round(2 * random.standard_normal(round(seconds * SAMPLE_RATE)))
        return samples.astype("<i2").tobytes()

    return Sound(sound.format, noise(BEFORE) + sound.data + noise(AFTER))


def babbles(folder: Path) -> Iterator[Sound]:
    """Yield mixtures of six equally loud speakers."""
    random = np.random.default_rng(6)
    spoken = [
        each
        for each in read_corpus(folder, "en")
        if each.group != NO_SPEECH and each.seconds >= BABBLE_SECONDS and len(each.references) == 1
    ]
    length = BABBLE_SECONDS * SAMPLE_RATE
    for _ in range(BABBLES):
        mixed = np.zeros(length)
        for at in random.choice(len(spoken), VOICES, replace=False):
            voice = read_sound(spoken[at].path).samples()[0][:length]
            level = float(np.sqrt(np.mean(voice**2))) or 1.0
            mixed[: len(voice)] += voice / level
        scaled = np.clip(mixed / np.abs(mixed).max() * 8000, -32768, 32767)
        yield Sound(AudioFormat(), scaled.astype("<i2").tobytes())


def table(by_kind: dict[str, list[Played]]) -> list[str]:
    """Format a row for each kind, and one for all but babble."""
    lines = [
        "| kind | sounds | utterances | finals with words | words | ids shown | errors |",
        "|---|---|---|---|---|---|---|",
    ]
    every = [each for kind, played in by_kind.items() if kind != BABBLE for each in played]
    for kind, played in (*sorted(by_kind.items()), ("**all but babble**", every)):
        cells = (
            len(played),
            sum(len(each.speech) for each in played),
            sum(len(each.finals) for each in played),
            words(played),
            sum(len(each.partials) for each in played),
            sum(len(each.errors) for each in played),
        )
        lines.append(f"| {kind} | {' | '.join(map(str, cells))} |")
    return lines


def words(played: Sequence[Played]) -> int:
    """Return the words of all finals."""
    return sum(len(text.split()) for each in played for text in each.finals.values())


def main() -> None:
    """Print a table for each engine and setting."""
    parser = argparse.ArgumentParser(
        prog="python -m accuracy.inventions", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--sounds", type=Path, required=True, help="folder that was built")
    parser.add_argument("--half", type=int, choices=(0, 1), help="0 to tune on, 1 to report")
    parser.add_argument("--babble", type=Path, help="folder of recordings with a manifest.jsonl")
    parser.add_argument("--model", action="append", help="id; may be repeated")
    parser.add_argument("--setting", action="append", help="only this one; may be repeated")
    parser.add_argument("--language", default="en", help="language of the sessions")
    parser.add_argument("--no-partials", action="store_true", help="finals alone")
    parser.add_argument("--every", action="store_true", help="show each text")
    parser.add_argument("--cache", type=Path, help="file of the answers so far")
    models(parser)
    options = parser.parse_args()
    store = ModelStore(options.models_dir or models_folder())
    made = _sounds(options, store)
    settings = [
        each for each in (*LIVE, *ALONE) if not options.setting or each.name in options.setting
    ]
    found = 0
    with open_cache(options.cache) as cache:
        for model in options.model or MODELS:
            engine = timed_engine(model, store, cache, options)
            for setting in settings:
                found += _shown(engine.decode, model, setting, made, options)
    sys.exit(f"{found} words" if found else None)


def _sounds(options: argparse.Namespace, store: ModelStore) -> list[tuple[str, str, Listened]]:
    """Yield kind, name and sound of everything in which VAD detects speech at all."""
    activity = VoiceActivity(open_graph(Voices(store).voice_activity_model()))
    made = [
        (
            item.kind,
            item.file,
            listen(activity, padded(read_sound(options.sounds / "sounds" / item.file))),
        )
        for item in read_items(options.sounds)
        if options.half in (None, item.half)
    ]
    if options.babble:
        made += [
            (BABBLE, f"babble {number}", listen(activity, padded(sound)))
            for number, sound in enumerate(babbles(options.babble))
        ]
    return made


def _shown(
    decode: object,
    model: str,
    setting: Setting,
    made: Sequence[tuple[str, str, Listened]],
    options: argparse.Namespace,
) -> int:
    by_kind: dict[str, list[Played]] = defaultdict(list)
    partial = None if options.no_partials else decode
    print(f"\n{model}, {setting.name}:\n")
    for kind, name, listened in made:
        played = play(decode, partial, setting, options.language, listened)  # type: ignore[arg-type]
        by_kind[kind].append(played)
        if options.every and played.finals:
            print(f"- {kind} | {name} | {' | '.join(played.finals.values())}")
    print("\n".join(table(by_kind)), flush=True)
    return words([each for kind, some in by_kind.items() if kind != BABBLE for each in some])


if __name__ == "__main__":
    main()
