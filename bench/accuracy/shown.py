"""Checks that each id shown by a partial gets its final, over recordings of speech.

    PYTHONPATH=bench python -m accuracy.shown --audio DIR [--model ID] [--language de]
    PYTHONPATH=bench python -m accuracy.shown --audio DIR --model ID --partials ID

Prints a row for each setting: ids shown, ids with a final, ids named by an error message, ids with
neither (the exit code is 1), and the seconds of detected speech without text.
"""

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from accuracy.cache import TimedEngine, open_cache
from accuracy.corpus import NO_SPEECH, read_corpus
from accuracy.hearing import Listened, listen
from accuracy.options import common
from accuracy.played import Played, play
from accuracy.settings import ALONE, LIVE, Setting
from accuracy.short import timed_engine
from accuracy.sound import read_sound
from vivavoce.inference import open_graph
from vivavoce.places import models_folder
from vivavoce.recognition.store import ModelStore
from vivavoce.server.voices import Voices
from vivavoce.speech.silero import VoiceActivity

HEAD = (
    "| language | finals, partials by | setting | ids shown | final | error | neither "
    "| speech, s | without text, s | words withdrawn |"
)


def row(name: str, setting: Setting, language: str, played: Sequence[Played]) -> str:
    """A row of the table."""
    shown = sum(len(each.partials) for each in played)
    final = sum(len(each.partials.keys() & each.finals.keys()) for each in played)
    neither = sum(len(each.unsettled) for each in played)
    withdrawn = [
        text for each in played for id_, text in each.partials.items() if id_ in each.errors
    ]
    speech = sum(sum(each.speech.values()) for each in played)
    untold = sum(each.untold for each in played)
    words = sum(len(text.split()) for text in withdrawn)
    counts = f"{shown} | {final} | {len(withdrawn)} | {neither} | {speech:.0f} | {untold:.1f}"
    return f"| {language} | {name} | {setting.name} | {counts} | {words} |"


def main() -> None:
    """Print the table; the exit code is 1 if an id was shown and has no final or error."""
    parser = common("accuracy.shown", __doc__ or "")
    parser.add_argument("--model", default="moonshine-tiny-en", help="id of the finals' model")
    parser.add_argument("--partials", help="id of the partials' model; default the same")
    parser.add_argument("--setting", action="append", help="only this one; may be repeated")
    parser.add_argument("--one-of", type=int, default=1, help="take every Nth recording")
    parser.add_argument("--cache", type=Path, help="file of the answers so far")
    options = parser.parse_args()
    sys.exit(_measured(options))


def _measured(options: argparse.Namespace) -> int:
    store = ModelStore(options.models_dir or models_folder())
    activity = VoiceActivity(open_graph(Voices(store).voice_activity_model()))
    made: list[Listened] = [
        listen(activity, read_sound(each.path))
        for each in read_corpus(options.audio, options.language, options.skip)
        if each.group != NO_SPEECH
        and hashlib.sha256(each.id.encode()).digest()[1] % options.one_of == 0
    ]
    name = f"{options.model}, {options.partials or options.model}"
    unsettled = 0
    print(f"{HEAD}\n|{'---|' * HEAD.count(' | ')}---|")
    with open_cache(options.cache) as cache:
        final = timed_engine(options.model, store, cache, options)
        partial: TimedEngine = (
            timed_engine(options.partials, store, cache, options) if options.partials else final
        )
        for setting in (*LIVE, *ALONE):
            if options.setting and setting.name not in options.setting:
                continue
            played = [
                play(final.decode, partial.decode, setting, options.language, each) for each in made
            ]
            unsettled += sum(len(each.unsettled) for each in played)
            print(row(name, setting, options.language, played), flush=True)
    return 1 if unsettled else 0


if __name__ == "__main__":
    main()
