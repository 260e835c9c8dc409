"""``python -m vivavoce.testing MODEL AUDIO…``: check the engine of an installed model."""

import argparse
import sys
from functools import partial
from pathlib import Path

import soundfile
import soxr

from vivavoce.places import models_folder
from vivavoce.recognition.catalogue import Model, load_catalogue
from vivavoce.recognition.contract import SAMPLE_RATE
from vivavoce.recognition.foreign import read_entry
from vivavoce.recognition.loading import load_engine
from vivavoce.recognition.model_errors import ModelError
from vivavoce.recognition.store import ModelStore
from vivavoce.testing.kit import check_engine


def main() -> int:
    """Print the outcome of each check on a line; return 1 if any check failed."""
    parser = argparse.ArgumentParser(prog="python -m vivavoce.testing", description=__doc__)
    parser.add_argument("model", help="id of an installed model, or a folder with one")
    parser.add_argument("audio", nargs="+", type=Path, help="recordings of speech, two or more")
    parser.add_argument("--language", default="en", help="what is spoken there (default: en)")
    parser.add_argument("--models", type=Path, default=models_folder(), help="the models folder")
    given = parser.parse_args()
    try:
        model, folder = _find(given.model, given.models)
        speech = [_read(path) for path in given.audio]
        failed = 0
        for outcome in check_engine(partial(load_engine, model, folder), speech, given.language):
            failed += not outcome.passed
            verdict = "ok    " if outcome.passed else "FAILED"
            sys.stdout.write(f"{verdict} {outcome.sentence}  {outcome.problem}".rstrip() + "\n")
    except (ModelError, OSError, ValueError, soundfile.LibsndfileError) as error:
        parser.error(str(error))
    return min(failed, 1)


def _find(name: str, models: Path) -> tuple[Model, Path]:
    """Return a model and its folder, by path or from the model store."""
    if Path(name).is_dir():
        return read_entry(Path(name)), Path(name)
    store = ModelStore(models)
    foreign = {model.id: model for model in store.foreign()}
    model = foreign.get(name) or load_catalogue().model(name)
    return model, store.path(model)


def _read(path: Path) -> bytes:
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    resampled = soxr.resample(audio.mean(axis=1), rate, SAMPLE_RATE)
    return bytes(resampled.astype("<f4").tobytes())


if __name__ == "__main__":
    sys.exit(main())
