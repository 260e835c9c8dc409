"""Resumable download of a file: an interrupted or killed download continues where it stopped.

Downloaded bytes are untrusted until the caller has checked their hash.
"""

import os
from pathlib import Path

import httpx

from vivavoce.recognition.progress import Bytes

_TIMEOUT = httpx.Timeout(30.0)
_BARREN = 3
"""Attempts in a row without a byte after which the address counts as unreachable."""


class UnreachableError(Exception):
    """The address does not serve the file."""


def download(address: str, part: Path, progress: Bytes) -> None:
    """Download a file to ``part``, which keeps the received bytes across interruptions.

    Raises:
        UnreachableError: the server refuses, or repeatedly breaks off without sending a byte.
        OSError: the file cannot be written.
    """
    barren = 0
    with httpx.Client(timeout=_TIMEOUT, follow_redirects=True) as client:
        while True:
            before = _size(part)
            try:
                return _continue(client, address, part, progress)
            except httpx.TransportError as error:
                barren = 0 if _size(part) > before else barren + 1
                if barren == _BARREN:
                    raise UnreachableError(f"{type(error).__name__}: {error}") from error
            except httpx.HTTPError as error:
                raise UnreachableError(str(error)) from error


def _continue(client: httpx.Client, address: str, part: Path, progress: Bytes) -> None:
    """Request the rest of the file, or all of it from a server without range support.

    Raises:
        httpx.HTTPError: the server refused or broke off.
    """
    done = _size(part)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
    with client.stream("GET", address, headers=headers) as answer:
        if done and answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # the file is complete; the hash decides whether it is valid
        answer.raise_for_status()
        if answer.status_code != httpx.codes.PARTIAL_CONTENT:
            done = 0
        total = done + int(answer.headers.get("Content-Length", 0))
        with part.open("r+b" if done else "wb") as out:
            out.seek(done)
            for chunk in answer.iter_raw():
                out.write(chunk)
                done += len(chunk)
                progress(done, max(done, total))
            os.fsync(out.fileno())


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0
