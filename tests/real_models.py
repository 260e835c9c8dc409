"""The pulled models, for tests that recognise real speech."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import soxr

from vivavoce.places import models_folder
from vivavoce.recognition.catalogue import Model, load_catalogue
from vivavoce.recognition.contract import SAMPLE_RATE
from vivavoce.recognition.model_errors import ModelMissingError
from vivavoce.recognition.store import ModelStore

Floats = npt.NDArray[np.float32]


def pulled(model_id: str) -> tuple[Model, Path]:
    """A model and its folder; without it the test is skipped."""
    model = load_catalogue().model(model_id)
    try:
        return model, ModelStore(models_folder()).path(model)
    except ModelMissingError as error:
        pytest.skip(str(error))


def speech_sample(name: str) -> Floats:
    """A recording of the speech samples as 16 kHz mono."""
    audio, rate = soundfile.read(pulled("speech-samples")[1] / name, dtype="float32")
    resampled: Floats = soxr.resample(audio, rate, SAMPLE_RATE).astype(np.float32)
    return resampled
