"""Reads the recordings to measure with, and assigns each to a row of the table.

A folder contains recordings and a ``manifest.jsonl``; its lines have ``id``, ``file`` (relative),
``text`` (null: not scored; empty: no speech), ``language`` (``none`` without speech),
``duration_s``, ``kind``, and may have ``speakers``, ``condition``, ``channels`` and ``segments``.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import msgspec

NO_LANGUAGE = "none"
NO_SPEECH = "no speech"
DIGITS = "digits and letters"

_BY_FOLDER = {
    "noisy": "noisy, reverberant, faint",
    "longform": "long form",
    "nonnative": "non-native",
    "synthetic": "synthetic voice",
}
_BY_KIND = {"digits": DIGITS, "telephony": "telephone band", "multi-speaker": "several speakers"}


class CorpusError(Exception):
    """The folder cannot be used for measuring; the text states the reason."""


class Segment(msgspec.Struct, frozen=True):
    """A continuous piece of one speaker's speech."""

    text: str = ""
    channel: int = 0


class Entry(msgspec.Struct, frozen=True):
    """A line of the manifest."""

    id: str
    file: str
    text: str | None
    language: str
    duration_s: float
    kind: str
    condition: str | None = None
    channels: int = 1
    segments: tuple[Segment, ...] = ()
    speakers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording, its speakers, and the text of each channel (empty: no speech)."""

    id: str
    path: Path
    group: str
    seconds: float
    speakers: tuple[str, ...]
    references: tuple[str, ...]


def read_corpus(folder: Path, language: str, skip: Container[str] = ()) -> list[Recording]:
    """Return recordings in a language, and those without speech, in the manifest's order.

    Args:
        folder: folder of the manifest.
        language: language of the recordings with speech.
        skip: ids of recordings to leave out.

    Raises:
        CorpusError: no manifest, a line that cannot be read, or nothing in that language.
    """
    wanted = [entry for entry in _entries(folder) if entry.id not in skip]
    recordings = list(_recordings(folder, wanted, {language, NO_LANGUAGE}))
    if not any(recording.group != NO_SPEECH for recording in recordings):
        raise CorpusError(f"{folder} has no recording with a text in language {language!r}")
    return recordings


def languages_of(folder: Path) -> list[str]:
    """Return the languages that have a recording with a text, in the manifest's order.

    Raises:
        CorpusError: no manifest, or a line that cannot be read.
    """
    spoken = (entry.language for entry in _entries(folder) if entry.text)
    return list(dict.fromkeys(language for language in spoken if language != NO_LANGUAGE))


def _entries(folder: Path) -> list[Entry]:
    manifest = folder / "manifest.jsonl"
    if not manifest.is_file():
        raise CorpusError(
            f"{manifest} is missing: --audio wants a folder of recordings with a manifest.jsonl "
            "(its columns: docs/benchmarks/accuracy.md)"
        )
    try:
        return msgspec.json.Decoder(Entry).decode_lines(manifest.read_bytes())
    except msgspec.DecodeError as error:
        raise CorpusError(f"{manifest}: {error}") from error


def _recordings(folder: Path, entries: Iterable[Entry], languages: set[str]) -> Iterable[Recording]:
    for entry in entries:
        if entry.text is None or entry.language not in languages:
            continue
        path = folder / entry.file
        if not path.is_file():
            raise CorpusError(f"the manifest names {entry.file}, which is not in {folder}")
        yield Recording(
            id=entry.id,
            path=path,
            group=group_of(entry),
            seconds=entry.duration_s,
            speakers=entry.speakers,
            references=_references(entry),
        )


def _references(entry: Entry) -> tuple[str, ...]:
    """Return the text of each channel; with several, it is joined from the segments."""
    if entry.channels == 1:
        return (entry.text or "",)
    return tuple(
        " ".join(part.text for part in entry.segments if part.channel == channel)
        for channel in range(entry.channels)
    )


def group_of(entry: Entry) -> str:
    """Return the row of the table: the sound's condition takes precedence over the kind."""
    if not entry.text:
        return NO_SPEECH
    if (entry.condition or "").startswith("IVR prompt"):
        return "telephone prompts"
    folder = PurePosixPath(entry.file).parent.name
    return _BY_FOLDER.get(folder) or _BY_KIND.get(entry.kind, entry.kind)
