"""Default folders for models and data."""

from pathlib import Path

import platformdirs


def models_folder() -> Path:
    """Return the models folder, in the user's cache: models can be downloaded again."""
    return platformdirs.user_cache_path("vivavoce") / "models"


def data_folder() -> Path:
    """Return the folder of sessions, results and recordings, in the user's data folder."""
    return platformdirs.user_data_path("vivavoce")
