"""Opens the deliveries in the data folder for the delivery commands, and reports their errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from vivavoce.cli.failures import FAILED, BadInputError

Data = Annotated[
    Path | None,
    typer.Option(help="Data folder of the server, as for serve.", show_default=False),
]
Config = Annotated[Path | None, typer.Option(help="Settings file (TOML), as for serve.")]


@contextmanager
def desk(data: Path | None, config: Path | None) -> Iterator[Any]:
    """Open the deliveries of a data folder; an error ends the command with a one-line message.

    Raises:
        typer.Exit: the operation failed.
        BadInputError: the server's libraries are missing.
    """
    try:
        operating = import_module("vivavoce.server.operating")
    except ModuleNotFoundError as error:
        text = f"this needs {error.name}: pip install 'vivavoce[server]'"
        raise BadInputError(text) from error
    try:
        yield operating.open_desk(data, config)
    except operating.OperatingError as error:
        typer.secho(f"error: {error}", err=True, fg="red")
        raise typer.Exit(FAILED) from error


def moment(at: float | None) -> str:
    """Format a Unix time in UTC; return an empty string for None."""
    return "" if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"
