"""Where things lie on this machine unless somebody says otherwise."""

from pathlib import Path

import platformdirs


def models_folder() -> Path:
    """The models, in the user's cache folder: they can be fetched again."""
    return platformdirs.user_cache_path("vivavoce") / "models"


def data_folder() -> Path:
    """Sessions, results and recordings, in the user's data folder."""
    return platformdirs.user_data_path("vivavoce")
