"""The ``vivavoce`` command and its sub-commands, which import only what their help needs."""

from typing import Annotated

import typer

from vivavoce import __version__
from vivavoce.cli import bench, callbacks, models, webhooks
from vivavoce.cli.demo import demo
from vivavoce.cli.serve import serve
from vivavoce.cli.transcribe import transcribe

app = typer.Typer(
    help="Self-hosted real-time speech-to-text that speaks Gladia's live v2 API.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(serve)
app.command()(transcribe)
app.command()(demo)
app.add_typer(models.app, name="models")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(callbacks.app, name="callbacks")
app.add_typer(bench.app, name="bench")


def _show_version(wanted: bool) -> None:  # noqa: FBT001 # typer passes options like this
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def main(
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Self-hosted real-time speech-to-text that speaks Gladia's live v2 API."""
