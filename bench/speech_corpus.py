"""Reads a folder of recordings with a ``manifest.jsonl``, for the benchmarks.

Every line of the manifest is an object with at least ``id``, ``file`` (relative), ``text``,
``language`` and ``kind``.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from vivavoce.places import models_folder
from vivavoce.recognition.catalogue import load_catalogue
from vivavoce.recognition.contract import SAMPLE_RATE, Engine
from vivavoce.recognition.loading import load_engine
from vivavoce.recognition.store import ModelStore

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording and its reference text."""

    id: str
    path: Path
    text: str
    kind: str


def read_clips(folder: Path, prefix: str) -> Iterator[Clip]:
    """Yield the clips with a text whose id begins with ``prefix``, in the manifest's order."""
    manifest = folder / "manifest.jsonl"
    if not manifest.exists():
        sys.exit(f"{manifest} is missing: --audio needs a folder with recordings and a manifest")
    for line in manifest.read_text("utf-8").splitlines():
        entry = json.loads(line)
        if entry["id"].startswith(prefix) and entry["text"]:
            path = folder / entry["file"]
            yield Clip(entry["id"], path, entry["text"], entry["kind"])


def read_audio(path: Path) -> Floats:
    """Read a recording as 16 kHz mono."""
    audio, rate = soundfile.read(path, dtype="float32")
    if audio.ndim > 1:
        audio = audio.mean(axis=1)
    resampled: Floats = soxr.resample(audio, rate, SAMPLE_RATE).astype(np.float32)
    return audio if rate == SAMPLE_RATE else resampled


def open_engine(model_id: str, models_dir: Path | None) -> Engine:
    """Load a model of the store."""
    model = load_catalogue().model(model_id)
    return load_engine(model, ModelStore(models_dir or models_folder()).path(model))
