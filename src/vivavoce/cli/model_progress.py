"""Progress bars for the models being pulled."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from vivavoce.recognition.progress import PullProgress, Stage

_WORDS: dict[Stage, str] = {
    "waiting": "waiting for another pull",
    "downloading": "downloading",
    "checking": "checking",
    "preparing": "preparing",
    "ready": "ready",
}


class PullDisplay:
    """Draws on standard error, so that standard output stays machine-readable."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.fields[model]}"),
            BarColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def report(self, progress: PullProgress) -> None:
        """Show the progress of a pull."""
        if progress.model not in self._tasks:
            self._tasks[progress.model] = self._progress.add_task("", model=progress.model)
        ready = progress.stage == "ready"
        self._progress.update(
            self._tasks[progress.model],
            description=_words(progress),
            completed=1 if ready else progress.done,
            total=1 if ready else progress.total or None,
        )


def _words(progress: PullProgress) -> str:
    """Return the name of the stage, for a download with its megabytes."""
    words = _WORDS[progress.stage]
    if progress.stage == "downloading" and progress.total:
        return f"{words} {progress.done / 1e6:.1f}/{progress.total / 1e6:.1f} MB"
    return words
