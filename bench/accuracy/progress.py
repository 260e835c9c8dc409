"""Shows the progress of a measurement if standard error is a terminal."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from accuracy.sound import Sound


@contextmanager
def progress(what: str, sounds: Sequence[Sound]) -> Iterator[Callable[[Sound], None]]:
    """Show a bar in seconds of audio; provide the function to call after each recording."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total:.0f} s of audio"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=sum(sound.seconds for sound in sounds))
        yield lambda sound: bar.advance(task, sound.seconds)
