"""``vivavoce callbacks``: list pending and failed deliveries, and send failed ones again."""

from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from vivavoce.cli.desk import Config, Data, desk, moment
from vivavoce.cli.failures import BadInputError, reported

app = typer.Typer(
    help="List pending and failed callbacks and webhooks, and redeliver them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Session = Annotated[str | None, typer.Option(help="Limit to this session.")]
Endpoint = Annotated[
    str | None, typer.Option(help="Limit to this endpoint: a webhook ID or a callback URL.")
]
Most = Annotated[int, typer.Option("--limit", min=1, help="Maximum number of rows.")]


@app.command("list")
def list_deliveries(
    *,
    dead: Annotated[
        bool, typer.Option("--dead", help="List the dead letters, one per row.")
    ] = False,
    session: Session = None,
    endpoint: Endpoint = None,
    limit: Most = 100,
    data: Data = None,
    config: Config = None,
) -> None:
    """List pending messages with endpoints and errors. Delivered messages are not kept."""
    with reported(), desk(data, config) as here:
        if dead or session or endpoint:
            Console().print(_dead(here.dead_letters(_choice((), session, endpoint), limit)))
        else:
            Console().print(_backlogs(here.backlogs(limit)))


@app.command()
def redeliver(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="IDs of messages, as listed.")
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All dead letters.")] = False,
    session: Session = None,
    endpoint: Endpoint = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Redeliver dead letters in their original order."""
    with reported(), desk(data, config) as here:
        if not (ids or every or session or endpoint):
            raise BadInputError("say which: message IDs, --session, --endpoint or --all")
        count = here.redeliver(_choice(tuple(ids or ()), session, endpoint))
        typer.echo(f"{count} to be sent again")


@app.command()
def secret(
    *,
    owner: Annotated[str, typer.Option(help="Name of the key.")] = "default",
    rotate: Annotated[
        bool,
        typer.Option(
            "--rotate", help="Create a new secret; the previous secret keeps signing beside it."
        ),
    ] = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Show the secret that signs the callbacks of a key's sessions."""
    with reported(), desk(data, config) as here:
        typer.echo(here.callback_secret(owner, rotate=rotate))


def _choice(ids: tuple[str, ...], session: str | None, endpoint: str | None) -> object:
    return import_module("vivavoce.server.operating").choice(ids, session, endpoint)


def _backlogs(found: Sequence[Any]) -> Table:
    columns = ("Session", "Endpoint", "Waiting", "Given up", "Failures", "Next try", "Last failure")
    table = Table(*columns, box=None)
    for one in found:
        table.add_row(
            *(one.session, one.endpoint, str(one.waiting), str(one.dead), str(one.failures)),
            *(moment(one.due), one.cause or ""),
        )
    return table


def _dead(found: Sequence[Any]) -> Table:
    columns = ("Message", "Session", "Endpoint", "Event", "Given up", "Tries", "Last failure")
    table = Table(*columns, box=None)
    for one in found:
        table.add_row(
            *(one.id, one.session, one.endpoint, one.event, moment(one.died_at)),
            *(str(one.tries), one.cause or ""),
        )
    return table
