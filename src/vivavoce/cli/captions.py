"""Displays a live transcript: finals are printed once, the partials below them are redrawn."""

from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from vivavoce.client import Message
from vivavoce.protocol.messages import Transcript
from vivavoce.protocol.transcript import Utterance


@dataclass(frozen=True, slots=True)
class Partial:
    """A partial's text in two parts: the last two partials' common beginning, and the rest."""

    utterance_id: str
    stable: str
    tail: str


class Captions:
    """The current partials, one per channel."""

    def __init__(self) -> None:
        self.partials: dict[int, Partial] = {}

    def take(self, transcript: Transcript) -> None:
        """Update the channel's partial; a final clears it."""
        data, channel = transcript.data, transcript.data.utterance.channel
        if data.is_final:
            self.partials.pop(channel, None)
            return
        before = self.partials.get(channel)
        same = before is not None and before.utterance_id == data.id
        shown = f"{before.stable}{before.tail}" if before and same else ""
        held = _common_words(shown, data.utterance.text)
        text = data.utterance.text
        self.partials[channel] = Partial(data.id, text[:held], text[held:])


def _common_words(before: str, now: str) -> int:
    """Return how many characters of ``now`` are whole words that ``before`` also begins with."""
    end = 0
    for old, new in zip(before.split(), now.split(), strict=False):
        if old != new:
            break
        end = now.index(new, end) + len(new)
    return end


def label(utterance: Utterance, channels: int) -> str:
    """Return the channel's label if there are several channels."""
    return f"[channel {utterance.channel}] " if channels > 1 else ""


def span(utterance: Utterance) -> str:
    """Format start and end in seconds, in brackets."""
    return f"[{utterance.start:.2f}–{utterance.end:.2f}]"  # noqa: RUF001  a range has an en dash


class CaptionView:
    """Draws the partials below the console's output; draws nothing unless ``shown``."""

    def __init__(self, console: Console, *, shown: bool) -> None:
        self._captions = Captions()
        self._live = Live(console=console, transient=True, refresh_per_second=12)
        self._draws = shown

    def __enter__(self) -> Self:
        if self._draws:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def take(self, message: Message) -> None:
        """Redraw after a message."""
        if self._draws and isinstance(message, Transcript):
            self._captions.take(message)
            self._live.update(Group(*self._lines()))

    def _lines(self) -> list[Text]:
        return [
            Text.assemble((partial.stable.strip(), ""), (partial.tail, "dim"))
            for _, partial in sorted(self._captions.partials.items())
        ]
