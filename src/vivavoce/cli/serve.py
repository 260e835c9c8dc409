"""``vivavoce serve``: run a server."""

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from vivavoce.cli.failures import BadInputError, ServerStartError, reported


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 0 selects a free port.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Data folder, for sessions and recordings.")
    ] = None,
    api_key: Annotated[str | None, typer.Option(help="The only API key to accept.")] = None,
    models: Annotated[Path | None, typer.Option(help="Folder of the models.")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings file (TOML).")] = None,
) -> None:
    """Run a server. Flags override VIVAVOCE_* variables, which override the settings file."""
    flags = {"host": host, "port": port, "data": data, "api_key": api_key, "models": models}
    with reported():
        logs, serving, settings = _server_modules()
        try:
            chosen = settings.load(config, flags)
            logs.configure(chosen.log_level)
            serving.serve(chosen, _announce)
        except (settings.SettingsError, serving.StartError) as error:
            raise BadInputError(str(error)) from error
        except serving.StorageFailedError as error:
            raise ServerStartError(str(error)) from error


def _server_modules() -> tuple[ModuleType, ModuleType, ModuleType]:
    """Import the server's modules, whose libraries are installed by an extra."""
    try:
        names = ("logs", "serving", "settings")
        logs, serving, settings = (import_module(f"vivavoce.server.{name}") for name in names)
    except ModuleNotFoundError as error:
        raise BadInputError(
            f"the server needs {error.name}: pip install 'vivavoce[server]'"
        ) from error
    return logs, serving, settings


def _announce(url: str, made_key: str | None) -> None:
    if made_key:
        typer.echo(f"API key, shown only now: {made_key}")
    typer.echo(f"ready {url}")
