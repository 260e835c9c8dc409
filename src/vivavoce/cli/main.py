"""The ``vivavoce`` command: mounts its sub-commands."""

import typer

from vivavoce.cli.demo import demo
from vivavoce.cli.transcribe import transcribe

app = typer.Typer(
    help="Self-hosted real-time speech-to-text that speaks Gladia's live v2 API.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(transcribe)
app.command()(demo)
