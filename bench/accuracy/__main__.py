"""Measures word errors on recordings, whole and live, and compares them with stored results.

    PYTHONPATH=bench python -m accuracy --audio DIR [--model ID] [--server] [--keep]

Exits with 1 if a result is significantly worse or, with ``--server``, a real server's transcripts
differ.
"""

import argparse
import asyncio
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import astuple
from speech_corpus import open_engine

from accuracy.cache import TimedEngine, open_cache
from accuracy.change import report
from accuracy.corpus import CorpusError, Recording, read_corpus
from accuracy.hearing import Heard, hear, listen
from accuracy.options import common
from accuracy.progress import progress
from accuracy.reading import Cuts, cuts, is_written
from accuracy.results import FOLDER, Head, Results, Row, Score, read, results_file, write
from accuracy.scoring import count, normalizer, pooled
from accuracy.server import Check, check
from accuracy.settings import LIVE, SETTINGS, Setting
from accuracy.sound import read_sound
from accuracy.tables import PAGE, error_table, with_tables
from vivavoce.inference import open_graph
from vivavoce.places import models_folder
from vivavoce.recognition.catalogue import load_catalogue
from vivavoce.recognition.store import ModelStore
from vivavoce.server.voices import Voices
from vivavoce.speech.silero import VoiceActivity

Found = list[dict[str, Heard]]
"""Transcripts by recording and setting."""


def main() -> None:
    """Transcribe, score and compare; store the results if requested."""
    options = _options()
    try:
        recordings = _recordings(options)
    except CorpusError as error:
        sys.exit(str(error))
    settings = [each for each in SETTINGS if not options.setting or each.name in options.setting]
    losses: list[str] = []
    for model in options.model or ["moonshine-tiny-en"]:
        results, found = measure(options, model, settings, recordings)
        losses += _shown(options, results)
        if options.server:
            losses += _through_a_server(options, model, recordings, found)
        if options.keep:
            write(results_file(options.results, model, options.language), results)
    if options.keep:
        PAGE.write_text(with_tables(PAGE.read_text("utf-8"), options.results), "utf-8")
    sys.exit("\n".join(losses) or None)


def measure(
    options: argparse.Namespace,
    model: str,
    settings: Sequence[Setting],
    recordings: Sequence[Recording],
) -> tuple[Results, Found]:
    """Transcribe every recording in every setting with one model."""
    store = ModelStore(options.models_dir or models_folder())
    voice_activity = VoiceActivity(open_graph(Voices(store).voice_activity_model()))
    rows: list[Row] = []
    found: Found = []
    with open_cache(options.cache) as cache:
        engine = open_engine(model, options.models_dir)
        engine.warm_up()
        folder = store.path(load_catalogue().model(model))
        timed = TimedEngine(model, engine, folder, cache)
        sounds = [read_sound(recording.path) for recording in recordings]
        with progress(model, sounds) as done:
            for recording, sound in zip(recordings, sounds, strict=True):
                listened = listen(voice_activity, sound)
                heard = {
                    each.name: hear(timed, each, options.language, listened) for each in settings
                }
                found.append(heard)
                seconds = sound.seconds * sound.format.channels
                rows.append(score(recording, options.language, seconds, heard))
                done(sound)
    head = Head(
        model,
        options.language,
        timed.fingerprint.hex(),
        tuple(each.name for each in settings),
        options.one_of,
    )
    print(f"{model}: {timed.decoded} decodings, {timed.recalled} from the cache\n")
    return Results(head, tuple(rows)), found


def score(recording: Recording, language: str, seconds: float, heard: dict[str, Heard]) -> Row:
    """Count the errors of all transcripts of a recording."""
    normal = normalizer(language, recording.group)
    scores: dict[str, Score] = {}
    words = 0
    for name, each in heard.items():
        pairs = list(zip(recording.references, each.texts, strict=True))
        errors = pooled([count(wanted, " ".join(texts), normal) for wanted, texts in pairs])
        read_as = sum(
            (cuts(wanted, texts) for wanted, texts in pairs if is_written(wanted)), Cuts()
        )
        words = errors.words
        scores[name] = Score(
            errors.substitutions,
            errors.deletions,
            errors.insertions,
            each.utterances,
            round(1000 * each.cpu),
            astuple(read_as) if read_as != Cuts() else (),
        )
    return Row(recording.id, recording.group, round(seconds, 3), words, scores)


def _shown(options: argparse.Namespace, results: Results) -> list[str]:
    """Print the tables; return what is significantly worse than the stored results."""
    if set(results.head.settings) == {each.name for each in SETTINGS}:
        for setting in LIVE:
            print(f"`endpointing` and maximum {setting.name}\n")
            print("\n".join(error_table(results, setting.name)), "\n")
    kept = read(results_file(options.results, results.head.model, results.head.language))
    if kept is None:
        print("nothing is kept to compare with\n")
        return []
    lines, losses = report(results, kept)
    print("Against what is kept:\n")
    print("\n".join(lines), "\n")
    return [f"worse: {results.head.model}, {loss}" for loss in losses]


def _through_a_server(
    options: argparse.Namespace, model: str, recordings: Sequence[Recording], found: Found
) -> list[str]:
    """Transcribe everything with a real server; return failures and differences."""
    faults: list[str] = []
    for setting in LIVE:
        if setting.name in found[0]:
            wanted = [heard[setting.name] for heard in found]
            expected = list(zip(recordings, wanted, strict=True))
            checking = check(setting, model, options.language, options.models_dir, expected)
            checked: Check = asyncio.run(checking)
            print(checked)
            faults += checked.faults
    return faults


def _recordings(options: argparse.Namespace) -> list[Recording]:
    found = read_corpus(options.audio, options.language, options.skip)
    return [
        each
        for each in found
        if (not options.group or each.group in options.group)
        and hashlib.sha256(each.id.encode()).digest()[1] % options.one_of == 0
    ]


def _options() -> argparse.Namespace:
    parser = common("accuracy", __doc__ or "")
    parser.add_argument("--model", action="append", help="id; may be repeated; default Moonshine")
    parser.add_argument("--setting", action="append", help="only this way of hearing; repeatable")
    parser.add_argument("--group", action="append", help="only this row of the table; repeatable")
    parser.add_argument(
        "--one-of", type=int, default=1, help="hear one of so many recordings; default all"
    )
    parser.add_argument("--server", action="store_true", help="through a real server, too")
    parser.add_argument(
        "--keep", action="store_true", help="keep the results and write the page's tables"
    )
    parser.add_argument("--results", type=Path, default=FOLDER, help="folder of the kept results")
    parser.add_argument("--cache", type=Path, help="file of the answers so far")
    return parser.parse_args()


if __name__ == "__main__":
    main()
