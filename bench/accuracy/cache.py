"""Caches an engine's answers on disk, so that a second run decodes only what has changed.

The key of an answer consists of the engine (its model's files, code and libraries) and the
request. Its CPU time is stored with it, so that tables show the same cost with and without cache.
"""

import ast
import hashlib
import platform
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import msgspec
import platformdirs

from vivavoce.recognition.contract import DecodeRequest, Engine, Hypothesis

_LIBRARIES = ("onnxruntime", "ctranslate2", "sherpa-onnx", "numpy")
_OURS = "vivavoce."


class Kept(msgspec.Struct, frozen=True):
    """An answer and its CPU seconds."""

    hypothesis: Hypothesis
    cpu: float


class Cache:
    """Answers by key, in one file."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        database.execute("CREATE TABLE IF NOT EXISTS kept (key BLOB PRIMARY KEY, answer BLOB)")

    def find(self, key: bytes) -> Kept | None:
        """Return the answer for a key."""
        row = self._database.execute("SELECT answer FROM kept WHERE key = ?", (key,)).fetchone()
        return msgspec.msgpack.decode(row[0], type=Kept) if row else None

    def keep(self, key: bytes, kept: Kept) -> None:
        """Store an answer durably, even if the program is killed right after."""
        with self._database:
            self._database.execute(
                "INSERT OR REPLACE INTO kept VALUES (?, ?)", (key, msgspec.msgpack.encode(kept))
            )


@contextmanager
def open_cache(path: Path | None) -> Iterator[Cache]:
    """Open the cache in a file, by default in the user's cache folder."""
    path = path or platformdirs.user_cache_path("vivavoce") / "bench" / "answers.sqlite"
    path.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(path, timeout=60)
    try:
        yield Cache(database)
    finally:
        database.close()


class TimedEngine:
    """An engine that counts its CPU time and caches its answers.

    Attributes:
        name: name of the model.
        fingerprint: hash of the model's files, the engine's code and its libraries.
        cpu: CPU seconds of all answers so far, including those from the cache.
        decoded: number of answers that were not in the cache.
        recalled: number of answers that were in the cache.
    """

    def __init__(self, name: str, engine: Engine, folder: Path, cache: Cache) -> None:
        self.name = name
        self.fingerprint = fingerprint(engine, folder)
        self.cpu = 0.0
        self.decoded = 0
        self.recalled = 0
        self._engine = engine
        self._cache = cache

    def decode(self, request: DecodeRequest) -> Hypothesis:
        """Return the engine's answer."""
        body = msgspec.msgpack.encode(request)
        key = hashlib.blake2b(self.fingerprint + body, digest_size=20).digest()
        kept = self._cache.find(key)
        if kept is None:
            before = time.process_time()
            (hypothesis,) = self._engine.decode([request])
            kept = Kept(hypothesis, time.process_time() - before)
            self._cache.keep(key, kept)
            self.decoded += 1
        else:
            self.recalled += 1
        self.cpu += kept.cpu
        return kept.hypothesis


def fingerprint(engine: Engine, folder: Path) -> bytes:
    """Return a hash of everything an answer depends on besides the request."""
    hashed = hashlib.blake2b(platform.processor().encode(), digest_size=16)
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            hashed.update(path.name.encode() + hashlib.file_digest(file, "blake2b").digest())
    for module, path in sorted(_sources(type(engine).__module__).items()):
        hashed.update(module.encode() + path.read_bytes())
    for library in _LIBRARIES:
        hashed.update(f"{library} {_version(library)}".encode())
    return hashed.digest()


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "none"


def _sources(first: str) -> dict[str, Path]:
    """Return the files of a module and of all project modules it imports, directly or not."""
    found: dict[str, Path] = {}
    waiting = [first]
    while waiting:
        name = waiting.pop()
        spec = _spec(name) if name.startswith(_OURS) and name not in found else None
        if spec and spec.origin:
            found[name] = Path(spec.origin)
            waiting += _imports(found[name])
    return found


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)


def _spec(name: str) -> ModuleSpec | None:
    """Return a module's spec; None if the name is not a module."""
    try:
        return find_spec(name)
    except ModuleNotFoundError:
        return None
