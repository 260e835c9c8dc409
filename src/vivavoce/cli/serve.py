"""``vivavoce serve``: run a server."""

from pathlib import Path
from typing import Annotated

import typer


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of sessions and recordings.")] = None,
    api_key: Annotated[str | None, typer.Option(help="The one key to accept.")] = None,
    models: Annotated[Path | None, typer.Option(help="Folder of the models.")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings file (TOML).")] = None,
) -> None:
    """Run a server. Settings come from flags, then VIVAVOCE_* variables, then the file."""
    from pydantic import ValidationError  # noqa: PLC0415  the server's libraries are an extra

    from vivavoce.journal.lock import FolderInUseError  # noqa: PLC0415
    from vivavoce.recognition.model_errors import ModelError  # noqa: PLC0415
    from vivavoce.server import logs, serving, settings  # noqa: PLC0415
    from vivavoce.server.keys import NoKeyError  # noqa: PLC0415

    flags = {"host": host, "port": port, "data": data, "api_key": api_key, "models": models}
    try:
        chosen = settings.load(config, flags)
        logs.configure(chosen.log_level)
        serving.serve(chosen, _announce)
    except ValidationError as error:
        for fault in error.errors():
            where = ".".join(map(str, fault["loc"]))
            typer.echo(f"settings: {where}: {fault['msg']}", err=True)
        raise typer.Exit(2) from error
    except (
        FileNotFoundError,
        FolderInUseError,
        ModelError,
        NoKeyError,
        serving.StartError,
    ) as error:
        typer.echo(f"vivavoce serve: {error}", err=True)
        raise typer.Exit(2) from error


def _announce(url: str, made_key: str | None) -> None:
    if made_key:
        typer.echo(f"API key, shown only now: {made_key}")
    typer.echo(f"ready {url}")
