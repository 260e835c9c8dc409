"""The output formats of ``vivavoce transcribe``; each receives messages as they arrive."""

from collections.abc import Callable, Sequence
from typing import IO, Protocol

from rich.console import Console
from rich.text import Text

from vivavoce.cli.captions import label
from vivavoce.client import Message, UnknownMessage
from vivavoce.protocol.messages import AudioChunkAck, PostTranscript, Transcript, encode
from vivavoce.protocol.transcript import Utterance


class Output(Protocol):
    """Protocol of a destination for a session's messages."""

    def take(self, message: Message) -> None:
        """Process a message."""

    def finish(self) -> None:
        """Complete the output after the last message, also if the session failed."""


class TextOutput:
    """Writes each final on a line as it arrives; with ``words``, each word with its times."""

    def __init__(self, console: Console, *, channels: int, words: bool) -> None:
        self._console = console
        self._channels = channels
        self._words = words
        self._seen: set[str] = set()

    def take(self, message: Message) -> None:
        """Write a final, once."""
        if not isinstance(message, Transcript) or not message.data.is_final:
            return
        if message.data.id in self._seen:
            return
        self._seen.add(message.data.id)
        for line in self._lines(message.data.utterance):
            self._console.print(Text(line), soft_wrap=True)

    def _lines(self, utterance: Utterance) -> list[str]:
        prefix = label(utterance, self._channels)
        if not self._words:
            return [f"{prefix}{utterance.text.strip()}"]
        return [
            f"{prefix}{word.start:9.3f} {word.end:9.3f} {word.word.strip()}"
            for word in utterance.words
        ]

    def finish(self) -> None:
        """Everything is written already."""


class JsonOutput:
    """Writes each message on a line, except acknowledgements of audio."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def take(self, message: Message) -> None:
        """Write the message."""
        if isinstance(message, AudioChunkAck):
            return
        value = message.value if isinstance(message, UnknownMessage) else message
        self._stream.write(f"{encode(value).decode()}\n")
        self._stream.flush()

    def finish(self) -> None:
        """Everything is written already."""


class SubtitleOutput:
    """Writes subtitles of all finals at the end."""

    def __init__(self, stream: IO[str], render: Callable[[Sequence[Utterance]], str]) -> None:
        self._stream = stream
        self._render = render
        self._finals: dict[str, Utterance] = {}
        self._whole: tuple[Utterance, ...] | None = None

    def take(self, message: Message) -> None:
        """Store a final; the transcript at the end also contains finals lost in a drop."""
        if isinstance(message, Transcript) and message.data.is_final:
            self._finals[message.data.id] = message.data.utterance
        elif isinstance(message, PostTranscript):
            self._whole = message.data.utterances

    def finish(self) -> None:
        """Write the file; if the session failed, with the finals received."""
        spoken = self._whole if self._whole is not None else tuple(self._finals.values())
        self._stream.write(self._render(spoken))
        self._stream.flush()
