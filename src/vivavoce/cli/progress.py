"""Shows how much of a file the server has stored, for formats without output until the end."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


class SendProgress:
    """A progress bar on standard error, shown only on a terminal.

    Args:
        seconds: total duration.
        shown: whether to show a bar at all.
    """

    def __init__(self, seconds: float, *, shown: bool) -> None:
        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.completed:.1f} of {task.total:.1f} s"),
            BarColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not (shown and console.is_terminal),
        )
        self._task = self._bar.add_task("", total=seconds)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def reached(self, seconds: float) -> None:
        """Show that the server has stored this much."""
        self._bar.update(self._task, completed=seconds)
