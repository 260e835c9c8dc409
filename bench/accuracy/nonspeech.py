"""Builds a set of sounds without speech, from Debian packages and formulas, in two halves.

    PYTHONPATH=bench python -m accuracy.nonspeech build DIR

Downloads the packages that ``apt-get`` can provide into DIR, extracts their sounds, adds generated
ones, and writes ``nonspeech.jsonl``: a line for each sound with its kind, source and half. Missing
packages are printed. The sounds do not belong in the repository. ``accuracy.inventions`` measures
with them.
"""

import hashlib
import shutil
import subprocess
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

import msgspec
import numpy as np
import soundfile
import soxr

from accuracy.generated import Floats, generated
from vivavoce.recognition.contract import SAMPLE_RATE

SEED = "nonspeech 1"
LONGEST = 20 * SAMPLE_RATE
"""Maximum samples of a sound, or of each piece of music."""
MOST_PIECES = 3
LEAST_PEAK = 1e-3
GENERATED = "generated"
SUFFIXES = frozenset({".wav", ".ogg", ".oga", ".flac", ".mp3"})


@dataclass(frozen=True, slots=True)
class Source:
    """Files of a Debian package and their kind of sound; the first matching source applies."""

    package: str
    pattern: str
    kind: str


SOURCES = (
    Source("scratch", "*/Sounds/Human/*", "human"),
    Source("scratch", "*/Vocals/BeatBox*", "human"),
    Source("scratch", "*/Sounds/Animal/*", "animal"),
    Source("scratch", "*/Sounds/Effects/*", "household"),
    Source("scratch", "*/Sounds/Electronic/*", "electronic"),
    Source("scratch", "*/Sounds/Music*/*", "music"),
    Source("scratch", "*/Sounds/Percussion/*", "music"),
    Source("wesnoth-1.16-data", "*/human-*", "human"),
    Source("wesnoth-1.16-data", "*/sounds/*-die*", "creature"),
    Source("wesnoth-1.16-data", "*/sounds/*-hit*", "creature"),
    Source("wesnoth-1.16-data", "*/sounds/*", "impact"),
    Source("openarena-081-players", "*/sound/player/*/death*", "human"),
    Source("openarena-081-players", "*/sound/player/*/pain*", "human"),
    Source("openarena-081-players", "*/sound/player/*/jump*", "human"),
    Source("openarena-081-players", "*/sound/player/*/gasp*", "human"),
    Source("openarena-081-players", "*/sound/player/*/drown*", "human"),
    Source("openarena-081-players", "*/sound/player/*/fall*", "human"),
    Source("tuxpaint-stamps-default", "*/stamps/animals/*", "animal"),
    Source("tuxpaint-stamps-default", "*/stamps/vehicles/*", "machine"),
    Source("tuxpaint-stamps-default", "*/stamps/hobbies/*", "household"),
    Source("tuxpaint-stamps-default", "*/stamps/household/*", "household"),
    Source("libreoffice-common", "*/gallery/sounds/cow*", "animal"),
    Source("libreoffice-common", "*/gallery/sounds/horse*", "animal"),
    Source("libreoffice-common", "*/gallery/sounds/romans*", "human"),
    Source("libreoffice-common", "*/gallery/sounds/applause*", "human"),
    Source("libreoffice-common", "*/gallery/sounds/*", "electronic"),
    Source("brainparty-data", "*/baa*", "animal"),
    Source("brainparty-data", "*/meow*", "animal"),
    Source("brainparty-data", "*", "electronic"),
    Source("searchandrescue-data", "*/sounds/*", "machine"),
    Source("searchandrescue-data", "*/music/*", "music"),
    Source("minetest-data", "*/sounds/*", "impact"),
    Source("sonic-pi-samples", "*/ambi_*", "music"),
    Source("sonic-pi-samples", "*/loop_*", "music"),
    Source("sonic-pi-samples", "*/misc_*", "animal"),
    Source("sonic-pi-samples", "*/vinyl_*", "machine"),
    Source("sonic-pi-samples", "*/mehackit_*", "electronic"),
    Source("sonic-pi-samples", "*/perc_*", "impact"),
    Source("asterisk-moh-opsound-wav", "*", "music"),
    Source("openclonk-data", "*/Music.ocg/*", "music"),
    Source("lomiri-sounds", "*", "interface"),
    Source("sound-theme-freedesktop", "*", "interface"),
    Source("oxygen-sounds", "*", "interface"),
    Source("yaru-theme-sound", "*", "interface"),
    Source("pidgin-data", "*", "interface"),
    Source("gnome-audio", "*", "interface"),
    Source("psi-plus-sounds", "*", "interface"),
    Source("sound-icons", "*", "interface"),
    Source("blinken", "*", "interface"),
    Source("tuxtype-data", "*/tuxtype/sounds/*", "electronic"),
    Source("frozen-bubble-data", "*/snd/*", "electronic"),
    Source("lbreakout2-data", "*", "electronic"),
    Source("solarwolf", "*", "electronic"),
    Source("colobot-common-sounds", "*/sounds/*", "machine"),
)

SPOKEN = (
    "*/audio-channel-*",
    "*/audio-test-signal*",
    "*_desc*",
    "*/tuxpaint/*_[a-z][a-z].ogg",
    "*/excuseme*",
    "*/lbreakout2/sounds/dam*",
    "*/lbreakout2/sounds/excellent*",
    "*/lbreakout2/sounds/verygood*",
    "*/lbreakout2/sounds/wontgiveup*",
    "*/lbreakout2/sounds/ohsh*",
)
"""Files that match a source but contain words, or songs with words."""


class Item(msgspec.Struct, frozen=True):
    """A sound in the built folder.

    Attributes:
        file: name of the 16 kHz mono recording.
        kind: kind of sound.
        source: the package, or ``generated``.
        half: 0 to tune on, 1 to report; sounds of one family are in the same half.
        seconds: duration.
    """

    file: str
    kind: str
    source: str
    half: int
    seconds: float


def build(folder: Path) -> list[Item]:
    """Build the set in a folder; packages already present are not downloaded again."""
    sounds = folder / "sounds"
    sounds.mkdir(parents=True, exist_ok=True)
    made: list[tuple[str, float, str, str]] = []
    for package in dict.fromkeys(source.package for source in SOURCES):
        archive = _package(folder / "packages", package)
        if archive is None:
            print(f"missing: {package}")
            continue
        for path in _files(archive, folder / "extracted" / package):
            kind = _kind(package, path)
            for name, audio in _pieces(package, path, kind) if kind else ():
                made.append((*_written(sounds, name, audio), kind or "", package))
    for name, kind, audio in generated():
        made.append((*_written(sounds, f"generated-{name}", audio), kind, GENERATED))
    items = _halved([(file, kind, source, seconds) for file, seconds, kind, source in made])
    lines = b"".join(msgspec.json.encode(item) + b"\n" for item in items)
    (folder / "nonspeech.jsonl").write_bytes(lines)
    return items


def read_items(folder: Path) -> list[Item]:
    """Return the sounds of a built folder."""
    lines = (folder / "nonspeech.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line, type=Item) for line in lines]


def _package(folder: Path, package: str) -> Path | None:
    """Return the package's file, downloaded if necessary; None if it is unavailable."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (found := sorted(folder.glob(f"{package}_*.deb"))):
        apt = shutil.which("apt-get")
        if apt is None:
            return None
        command = [apt, "download", "--quiet", package]
        subprocess.run(command, cwd=folder, check=False, capture_output=True)
        found = sorted(folder.glob(f"{package}_*.deb"))
    return found[0] if found else None


def _files(archive: Path, folder: Path) -> Iterator[Path]:
    """Extract and yield the sounds in a package, including those in game archives."""
    if not folder.exists():
        folder.mkdir(parents=True)
        tool = shutil.which("dpkg-deb")
        if tool is None:
            return
        subprocess.run([tool, "--extract", str(archive), str(folder)], check=True)
        for game in sorted(folder.rglob("*.pk3")):
            with zipfile.ZipFile(game) as opened:
                names = [name for name in opened.namelist() if _is_sound(name)]
                opened.extractall(folder / game.stem, names)
    for path in sorted(folder.rglob("*")):
        if _is_sound(path.name) and path.is_file() and not path.is_symlink():
            yield path


def _is_sound(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES


def _kind(package: str, path: Path) -> str | None:
    if any(fnmatch(str(path), spoken) for spoken in SPOKEN):
        return None
    matching = (s for s in SOURCES if s.package == package and fnmatch(str(path), s.pattern))
    found = next(matching, None)
    return found.kind if found else None


def _pieces(package: str, path: Path, kind: str) -> Iterator[tuple[str, Floats]]:
    """Yield a file as recordings of 16 kHz; music over the maximum length yields several."""
    try:
        audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        print(f"unreadable: {path.name}: {error}")
        return
    mono = audio.mean(axis=1)
    resampled: Floats = soxr.resample(mono, rate, SAMPLE_RATE).astype(np.float32)
    place = "-".join((package, *path.parts[-2:]))
    pieces = MOST_PIECES if kind == "music" else 1
    for number in range(pieces):
        piece = resampled[number * LONGEST : (number + 1) * LONGEST]
        if len(piece) and float(np.abs(piece).max()) >= LEAST_PEAK:
            yield f"{place}-{number}" if number else place, piece


def _written(folder: Path, name: str, audio: Floats) -> tuple[str, float]:
    """Write a recording; return its name and duration in seconds."""
    file = "".join(c if c.isalnum() or c in "-._" else "_" for c in name) + ".flac"
    soundfile.write(folder / file, np.clip(audio, -1, 1), SAMPLE_RATE, subtype="PCM_16")
    return file, len(audio) / SAMPLE_RATE


def _halved(made: Sequence[tuple[str, str, str, float]]) -> list[Item]:
    """Divide the families of each kind and source between the halves, in random order."""
    families: dict[tuple[str, str], dict[str, list[tuple[str, float]]]] = defaultdict(dict)
    for file, kind, source, seconds in made:
        family = file if source == GENERATED else _letters(file.rsplit(".", 1)[0])
        families[kind, source].setdefault(family, []).append((file, seconds))
    items: list[Item] = []
    for kind, source in sorted(families):
        of_kind = families[kind, source]
        drawn = sorted(of_kind, key=lambda family: _drawn(SEED, kind, source, family))
        first = _drawn(SEED, kind, source)[0] % 2
        items += [
            Item(file, kind, source, (place + first) % 2, round(seconds, 2))
            for place, family in enumerate(drawn)
            for file, seconds in of_kind[family]
        ]
    return items


def _letters(name: str) -> str:
    """Return the common name of the takes of one sound: the name without its numbers."""
    return "".join(c for c in name.casefold() if c.isalpha())


def _drawn(*names: str) -> bytes:
    return hashlib.sha256("|".join(names).encode()).digest()


def main() -> None:
    """Build the set and print the amount of each kind."""
    if len(sys.argv) != 3 or sys.argv[1] != "build":  # noqa: PLR2004 - the command and its folder
        sys.exit(__doc__)
    items = build(Path(sys.argv[2]))
    print("| kind | sounds, half to tune on | seconds | sounds, other half | seconds |")
    print("|---|---|---|---|---|")
    for kind in sorted({item.kind for item in items}):
        halves = [[i for i in items if i.kind == kind and i.half == half] for half in (0, 1)]
        cells = " | ".join(f"{len(h)} | {sum(i.seconds for i in h):.0f}" for h in halves)
        print(f"| {kind} | {cells} |")


if __name__ == "__main__":
    main()
