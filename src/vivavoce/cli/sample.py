"""Where the speech sample of the demo lies."""

from pathlib import Path

from vivavoce.cli.failures import ServerStartError

MODEL = "speech-samples"
FILE = "two_cities.wav"


def sample_path(models: Path | None) -> Path:
    """The sample in the models folder, by default the server's.

    Raises:
        ServerStartError: it was not fetched, or the server's packages are not installed.
    """
    path = (models or _default_models()) / MODEL / FILE
    if not path.is_file():
        raise ServerStartError(f"there is no {path}; fetch it with: vivavoce models pull")
    return path


def _default_models() -> Path:
    try:
        import platformdirs  # noqa: PLC0415  only in the server extra
    except ImportError as error:
        raise ServerStartError(
            "the demo needs the server: pip install 'vivavoce[server]'"
        ) from error
    return platformdirs.user_cache_path("vivavoce") / "models"
