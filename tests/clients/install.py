"""Sets up a published client in an environment of its own: ``install.py NAME``.

A client that cannot be had on this machine is no failure: the reason is left beside where it would
be, the tests read it and skip, and the next run tries again.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ROOT / ".venv-clients"
NODE = Path(__file__).parent / "node"
OLDEST_NODE = 20
UNDECLARED = frozenset({"videosdk"})
"""Clients that run on this Python though their package says that it is too old."""


class UnavailableError(Exception):
    """A client that this machine cannot have; the text is the reason."""


def install(name: str) -> None:
    """Install a client, or leave the reason why not."""
    folder = ENVIRONMENTS / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        _install_node() if name == "node" else _install_python(name, folder)
    except UnavailableError as error:
        reason = f"{name}: {error}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "unavailable.txt").write_text(reason + "\n")
        sys.stdout.write(f"not installed, its tests will be skipped: {reason}\n")
    else:
        (folder / "installed").touch()


def _install_python(name: str, folder: Path) -> None:
    lock = ROOT / "requirements" / f"clients-{name}.txt"
    _run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
    # The lock leaves out what the client never loads here, hence --no-deps; compiling every file
    # would take longer than importing the few that are used.
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", _python(folder))
    options: tuple[str, ...] = (
        "--quiet",
        "--no-deps",
        "--no-compile",
        "--only-binary=:all:",
        "--retries=1",
    )
    if name in UNDECLARED:
        options += ("--ignore-requires-python",)
    _run([*pip, "install", *options, "--require-hashes", "-r", str(lock)])


def _python(folder: Path) -> str:
    return str(folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))


def _install_node() -> None:
    # Where Node looks for them: beside the drivers.
    npm, node = shutil.which("npm"), shutil.which("node")
    if not npm or not node:
        raise UnavailableError("there is no npm")
    version = _run([node, "--version"])
    if int(version.strip().lstrip("v").split(".")[0]) < OLDEST_NODE:
        raise UnavailableError(f"needs Node {OLDEST_NODE}, this is {version.strip()}")
    _run([npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], NODE)


def _run(command: Iterable[str], folder: Path = ROOT) -> str:
    try:
        done = subprocess.run(
            list(command), cwd=folder, capture_output=True, text=True, timeout=600, check=True
        )
    except subprocess.CalledProcessError as error:
        said = [line.strip() for line in (error.stderr + error.stdout).splitlines() if line.strip()]
        told = next((line for line in said if "error" in line.lower()), f"exit {error.returncode}")
        raise UnavailableError(f"{Path(error.cmd[0]).name}: {told}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(str(error)) from error
    return done.stdout


if __name__ == "__main__":
    install(sys.argv[1])
