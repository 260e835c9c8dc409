"""Errors that a user can act on become one clear sentence and an exit code, never a traceback."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from vivavoce.client import ApiError, VivavoceError

FAILED = 1
"""The server or the network."""
USAGE = 2
"""The input: a file, an option, a parameter."""

TERMINATED = 128 + signal.SIGTERM
"""What a shell makes of SIGTERM, on which the commands unwind."""

_PARAMETER_STATUSES = frozenset({400, 422})


class BadInputError(Exception):
    """A file or an option that cannot be used; the message is fit for the user."""


class ServerStartError(Exception):
    """A server that does not start or cannot go on; the message is fit for the user."""


@contextmanager
def reported() -> Iterator[None]:
    """Report what goes wrong inside on standard error, then leave with its code.

    Raises:
        typer.Exit: something went wrong.
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
