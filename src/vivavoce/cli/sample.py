"""Locates the speech sample of the demo."""

from pathlib import Path

from vivavoce.cli.failures import ServerStartError
from vivavoce.places import models_folder
from vivavoce.recognition.catalogue import load_catalogue
from vivavoce.recognition.model_errors import ModelError
from vivavoce.recognition.store import ModelStore

MODEL = "speech-samples"
FILE = "two_cities.wav"


def sample_path(models: Path | None) -> Path:
    """Return the path of the sample in the models folder; by default, the server's.

    Raises:
        ServerStartError: the sample is missing or incomplete.
    """
    try:
        return ModelStore(models or models_folder()).path(load_catalogue().model(MODEL)) / FILE
    except ModelError as error:
        raise ServerStartError(str(error)) from error
