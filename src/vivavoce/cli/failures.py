"""Reports errors that users can act on as one sentence and an exit code, without a traceback."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from vivavoce.client import ApiError, VivavoceError

FAILED = 1
"""Exit code for failures of the server or the network."""
USAGE = 2
"""Exit code for invalid input: a file, an option, a parameter."""

TERMINATED = 128 + signal.SIGTERM
"""Exit code that shells use for SIGTERM, after which the commands clean up."""

_PARAMETER_STATUSES = frozenset({400, 422})


class BadInputError(Exception):
    """A file or an option cannot be used; the message is meant for the user."""


class ServerStartError(Exception):
    """A server does not start or cannot continue; the message is meant for the user."""


@contextmanager
def reported() -> Iterator[None]:
    """Report errors of the block on standard error, then exit with their code.

    Raises:
        typer.Exit: the block raised an error.
    """
    try:
        yield
    except BadInputError as error:
        raise _exit(error, USAGE) from error
    except ApiError as error:
        raise _exit(error, USAGE if error.status in _PARAMETER_STATUSES else FAILED) from error
    except (VivavoceError, ServerStartError) as error:
        raise _exit(error, FAILED) from error
    except asyncio.CancelledError as error:
        raise typer.Exit(TERMINATED) from error


def _exit(error: Exception, code: int) -> typer.Exit:
    typer.secho(f"error: {error}", err=True, fg="red")
    return typer.Exit(code)
