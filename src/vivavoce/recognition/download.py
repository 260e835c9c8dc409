"""Fetch a wheel through the user's own package index configuration.

pip locates it, so mirrors, proxies, credentials and certificates are those that the user has
configured, and no registry address appears here. If the index returns a plain address, the bytes
are fetched from there, so that a killed download can be resumed; in every other case (a password,
a proxy configured in pip, a folder) pip fetches them too. The wheel is never installed.
"""

import json
import re
import subprocess
import tempfile
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from vivavoce.child_process import FETCHING, NEUTRAL_FOLDER, clean_environment, interpreter
from vivavoce.recognition.catalogue import Wheel
from vivavoce.recognition.model_errors import (
    IntegrityError,
    ModelError,
    SourceUnavailableError,
    StorageError,
)
from vivavoce.recognition.progress import Bytes
from vivavoce.recognition.resuming import UnreachableError, download
from vivavoce.recognition.unpacking import file_hash

_PROGRESS = re.compile(r"^Progress (\d+) of (\d+)$")
_KEPT_LINES = 12
_TARGET_PYTHON = "3.11"
"""Fixed like the platform: a model's wheel must not depend on the interpreter that pulls it."""
_MOST_METADATA = 1 << 20
"""Bytes that pip may fetch to find an address; more means that it is fetching the wheel."""


class Downloader(Protocol):
    """Fetches a package's wheel into a folder."""

    def fetch(self, wheel: Wheel, folder: Path, progress: Bytes) -> Path:
        """Store the wheel in ``folder`` and return its path.

        Raises:
            SourceUnavailableError: the wheel cannot be fetched.
            IntegrityError: the index offers other bytes than the catalogue names.
            StorageError: the disk is full.
        """
        ...


class PipDownloader:
    """Downloads with this interpreter's pip, and resumes a killed download.

    Args:
        options: further pip options, such as ``--index-url ADDRESS`` or ``--no-index
            --find-links FOLDER``.
    """

    def __init__(self, options: Sequence[str] = ()) -> None:
        self._options = tuple(options)

    def fetch(self, wheel: Wheel, folder: Path, progress: Bytes) -> Path:
        """See :class:`Downloader`."""
        address = self._locate(wheel, folder)
        if address is not None and address.startswith(("https://", "http://")):
            part = folder / f"{wheel.sha256}.part"
            try:
                download(address, part, progress)
            except UnreachableError:
                return self._by_pip(wheel, folder, progress)
            if file_hash(part) == wheel.sha256:
                return part
            part.unlink()  # damaged, or another wheel of that name: pip can tell
        return self._by_pip(wheel, folder, progress)

    def _locate(self, wheel: Wheel, folder: Path) -> str | None:
        """Return the wheel's address from pip; None if finding it would fetch the wheel."""
        with tempfile.TemporaryDirectory(dir=folder, prefix="pip-") as scratch:
            report = Path(scratch, "report.json")
            command = [
                *_pip("install", wheel),
                *("--dry-run", "--ignore-installed", "--use-feature", "fast-deps"),
                *("--report", str(report), f"{wheel.name}=={wheel.version}", *self._options),
            ]

            def stop(_: int, total: int) -> None:
                if total > _MOST_METADATA:
                    raise _TooMuchError

            try:
                _, status = _run(command, stop)
            except _TooMuchError:
                return None
            return None if status else _address(report)

    def _by_pip(self, wheel: Wheel, folder: Path, progress: Bytes) -> Path:
        with tempfile.TemporaryDirectory(dir=folder, prefix="pip-") as scratch:
            requirement = Path(scratch, "requirements.txt")
            pin = f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}\n"
            requirement.write_text(pin, "utf-8")
            target = Path(scratch, "wheels")
            command = [
                *(*_pip("download", wheel), "--require-hashes", "--dest", str(target)),
                *("--requirement", str(requirement), *self._options),
            ]
            lines, status = _run(command, progress)
            if status:
                raise _failure(wheel, lines)
            (fetched,) = target.glob("*.whl")
            return fetched.replace(folder / fetched.name)


class _TooMuchError(Exception):
    """pip fetches more than metadata."""


def _pip(verb: str, wheel: Wheel) -> list[str]:
    return [
        *(*interpreter("pip"), verb, "--no-input", "--disable-pip-version-check"),
        *("--no-deps", "--only-binary", ":all:", "--progress-bar", "raw"),
        *("--python-version", _TARGET_PYTHON),
        *(() if wheel.platform == "any" else ("--platform", wheel.platform)),
    ]


def _address(report: Path) -> str | None:
    """Return the only address in pip's installation report."""
    (found,) = json.loads(report.read_text("utf-8"))["install"]
    address = found["download_info"]["url"]
    return address if isinstance(address, str) else None


def _run(command: list[str], progress: Bytes) -> tuple[list[str], int]:
    """Run pip and return its last lines and exit status; an error in ``progress`` stops pip."""
    kept: deque[str] = deque(maxlen=_KEPT_LINES)
    with subprocess.Popen(  # noqa: S603 # own interpreter, arguments from the catalogue
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=clean_environment(FETCHING),
        cwd=NEUTRAL_FOLDER,
    ) as pip:
        assert pip.stdout is not None  # noqa: S101 # PIPE sets it; for mypy
        try:
            for line in map(str.rstrip, pip.stdout):
                if found := _PROGRESS.match(line):
                    progress(int(found[1]), int(found[2]))
                elif line:
                    kept.append(line)
        except BaseException:
            pip.kill()
            raise
    return list(kept), pip.returncode


def _failure(wheel: Wheel, lines: list[str]) -> ModelError:
    """Return the error that pip's last lines describe."""
    text = "\n".join(lines)
    if "No module named pip" in text:
        return SourceUnavailableError("pip is missing: pip install 'vivavoce[server]'")
    if "DO NOT MATCH THE HASHES" in text:
        return IntegrityError(f"{wheel}: the package index offers other bytes than expected")
    if "No space left on device" in text or "Errno 28" in text:
        return StorageError(f"{wheel}: no space left on the disk")
    reason = next((line for line in reversed(lines) if line.startswith("ERROR")), text)
    return SourceUnavailableError(f"{wheel}: pip could not download it: {reason}")
