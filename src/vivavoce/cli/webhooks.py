"""``vivavoce webhooks``: manage the endpoints that receive session lifecycle events."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from vivavoce.cli.desk import Config, Data, desk, moment
from vivavoce.cli.failures import FAILED, reported

app = typer.Typer(
    help="Manage webhook endpoints, which receive session lifecycle events.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

EndpointId = Annotated[str, typer.Argument(metavar="ID", help="ID of an endpoint, as listed.")]


@app.command()
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="URL to post to.")],
    *,
    owner: Annotated[
        str | None,
        typer.Option(help="Limit to sessions of this key (default: all keys)."),
    ] = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Add an endpoint. Its signing secret is shown only once."""
    with reported(), desk(data, config) as here:
        made, doubt = here.add(url, owner)
        typer.echo(f"endpoint {made.id}\nsecret   {made.secrets[0]}")
        if doubt:
            text = f"warning: with the settings here nothing would be sent: the URL {doubt}"
            typer.secho(text, err=True, fg="yellow")


@app.command("list")
def list_endpoints(data: Data = None, config: Config = None) -> None:
    """List the endpoints."""
    with reported(), desk(data, config) as here:
        table = Table("Endpoint", "URL", "Sessions of", "Added", "State", box=None)
        for one in here.endpoints():
            state = f"disabled: {one.cause}" if one.disabled_at else "active"
            table.add_row(one.id, one.url, one.owner or "every key", moment(one.created_at), state)
        Console().print(table)


@app.command()
def remove(endpoint: EndpointId, data: Data = None, config: Config = None) -> None:
    """Remove an endpoint and its pending messages."""
    with reported(), desk(data, config) as here:
        here.remove(endpoint)
        typer.echo(f"{endpoint}: removed")


@app.command("test")
def try_endpoint(endpoint: EndpointId, data: Data = None, config: Config = None) -> None:
    """Send a test event to an endpoint: the start of a session that does not exist."""
    with reported(), desk(data, config) as here:
        answer = here.test(endpoint)
        seen = answer.failure or f"HTTP {answer.status}"
        if answer.status is None or answer.status // 100 != 2:  # noqa: PLR2004 -- success
            typer.secho(f"{endpoint}: not delivered: {seen}", err=True, fg="red")
            raise typer.Exit(FAILED)
        typer.echo(f"{endpoint}: delivered, {seen}")


@app.command()
def enable(endpoint: EndpointId, data: Data = None, config: Config = None) -> None:
    """Enable an endpoint that was disabled because it answered 410 Gone."""
    with reported(), desk(data, config) as here:
        here.enable(endpoint)
        typer.echo(f"{endpoint}: active")


@app.command()
def rotate(endpoint: EndpointId, data: Data = None, config: Config = None) -> None:
    """Create a new signing secret. The previous secret keeps signing until the next rotation."""
    with reported(), desk(data, config) as here:
        typer.echo(f"secret   {here.rotate(endpoint)}")
