"""Where the speech sample of the demo lies."""

from pathlib import Path

from vivavoce.cli.failures import ServerStartError
from vivavoce.places import models_folder

MODEL = "speech-samples"
FILE = "two_cities.wav"


def sample_path(models: Path | None) -> Path:
    """The sample in the models folder, by default the server's.

    Raises:
        ServerStartError: it was not fetched.
    """
    path = (models or models_folder()) / MODEL / FILE
    if not path.is_file():
        raise ServerStartError(f"there is no {path}; fetch it with: vivavoce models pull")
    return path
