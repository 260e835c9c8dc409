"""A package index and a hub on loopback, for tests of fetching: real HTTP, real wheels."""

import base64
import hashlib
import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from vivavoce.recognition.catalogue import (
    HubSource,
    Licence,
    Model,
    ModelFile,
    PackageSource,
    Source,
    Wheel,
)

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def build_wheel(folder: Path, name: str, content: bytes) -> Path:
    """A wheel with ``content`` in it, as a backend would build it."""
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}/data.bin": content,
        f"{name}/__init__.py": b"raise SystemExit('never import a wheel')",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode()},"
        for path, data in files.items()
    ]
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, data in files.items():
            archive.writestr(path, data)
        archive.writestr(f"{info}/RECORD", "\n".join([*record, f"{info}/RECORD,,"]))
    return wheel


def joined_model(wheels: list[Path], parts: list[bytes], *more: Source) -> Model:
    """A model with one file, whose parts are in the wheels."""
    names = [wheel.name.split("-")[0] for wheel in wheels]
    source = PackageSource(
        tuple(
            Wheel(name, "1.0", "any", sha256(wheel.read_bytes()))
            for name, wheel in zip(names, wheels, strict=True)
        ),
        {"data.bin": tuple(f"{name}/data.bin" for name in names)},
    )
    return model_from((source, *more), b"".join(parts))


def model_from(sources: tuple[Source, ...], content: bytes) -> Model:
    """A model with one file."""
    return Model(
        id="tiny",
        task="sample",
        summary="some bytes",
        licence=Licence("MIT", "moonshine.txt"),
        upstream="here",
        sources=sources,
        files=(ModelFile("data.bin", len(content), sha256(content)),),
    )


@dataclass
class Shop:
    """What is served, how badly, and what was asked for.

    Attributes:
        wheels: folder of the wheels.
        repository: files of the hub's one repository, ``owner/name`` at ``COMMIT``.
        cuts: connections that are cut still, after ``cut_at`` bytes of a file.
        stall: do not cut but fall silent there, until ``go_on`` is set.
        ranges: whether parts of files may be asked for.
        metadata: whether the index serves a wheel's metadata apart.
        asked: for every file asked for: its name and the first byte wanted.
    """

    wheels: Path
    repository: dict[str, bytes] = field(default_factory=dict)
    cuts: int = 0
    cut_at: int = 0
    stall: bool = False
    ranges: bool = True
    metadata: bool = True
    stalled: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    asked: list[tuple[str, int]] = field(default_factory=list)
    url: str = ""

    @property
    def pip_options(self) -> list[str]:
        return ["--index-url", f"{self.url}/simple/", "--retries", "0", "--no-cache-dir"]

    @property
    def hub(self) -> HubSource:
        return HubSource("owner/name", COMMIT, {name: name for name in self.repository})


@contextmanager
def open_shop(wheels: Path) -> Iterator[Shop]:
    """Serve until the end of the block."""
    shop = Shop(wheels)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"shop": shop}))
    server.daemon_threads = True
    shop.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield shop
    finally:
        shop.go_on.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _metadata(wheel: Path) -> bytes:
    name = wheel.name.split("-")[0]
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(f"{name}-1.0.dist-info/METADATA")


class _Handler(BaseHTTPRequestHandler):
    shop: Shop
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        match path.strip("/").split("/"):
            case ["simple", name]:
                self._page(name)
            case ["files", name] if name.endswith(".metadata"):
                self._answer(200, _metadata(self.shop.wheels / name.removesuffix(".metadata")), {})
            case ["files", name] if (self.shop.wheels / name).exists():
                self._file(name, (self.shop.wheels / name).read_bytes())
            case ["api", "models", "owner", "name", "revision", commit] if commit == COMMIT:
                self._listing()
            case ["owner", "name", "resolve", commit, name] if (
                commit == COMMIT and name in self.shop.repository
            ):
                self._file(name, self.shop.repository[name])
            case _:
                self._answer(404, b"", {})

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def _page(self, name: str) -> None:
        told = ' data-core-metadata="true"' if self.shop.metadata else ""
        links = "".join(
            f'<a href="/files/{wheel.name}#sha256={sha256(wheel.read_bytes())}"{told}>'
            f"{wheel.name}</a>"
            for wheel in self.shop.wheels.glob(f"{name.replace('-', '_')}-*.whl")
        )
        page = f"<!DOCTYPE html><html><body>{links}</body></html>".encode()
        self._answer(200 if links else 404, page, {"Content-Type": "text/html"})

    def _listing(self) -> None:
        siblings = [
            {
                "rfilename": name,
                "size": len(data),
                "blobId": hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest(),  # noqa: S324 # git's
                **(
                    {"lfs": {"size": len(data), "sha256": sha256(data), "pointerSize": 1}}
                    if name.endswith(".bin")
                    else {}
                ),
            }
            for name, data in self.shop.repository.items()
        ]
        told = {"_id": "1", "id": "owner/name", "sha": COMMIT, "siblings": siblings}
        self._answer(200, json.dumps(told).encode(), {"Content-Type": "application/json"})

    def _file(self, name: str, data: bytes) -> None:
        headers = {"ETag": f'"{sha256(data)}"', "X-Repo-Commit": COMMIT}
        if self.shop.ranges:
            headers["Accept-Ranges"] = "bytes"
        wanted = self.headers.get("Range") if self.shop.ranges else None
        if wanted is None:
            start, end = 0, len(data)
        else:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start = int(first) if first else len(data) - int(last)
            end = int(last) + 1 if first and last else len(data)
            if start >= len(data):
                self._answer(416, b"", {"Content-Range": f"bytes */{len(data)}"})
                return
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
        if self.command == "GET" and end == len(data):
            self.shop.asked.append((name, start))
        self._answer(206 if wanted else 200, data[start:end], headers)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.shop.cuts and len(body) > self.shop.cut_at > 0:
            self.shop.cuts -= 1
            self.wfile.write(body[: self.shop.cut_at])
            self.wfile.flush()
            if self.shop.stall:
                self.shop.stalled.set()
                self.shop.go_on.wait(60)
            self.close_connection = True
            return
        self.wfile.write(body)
