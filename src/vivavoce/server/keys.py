"""API keys: given ones, and the one that a first start on loopback makes. Only hashes are kept."""

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

import msgspec

from vivavoce.durable import new_file, publish

FILE = "keys.json"
OWNER = "default"


class KeysError(Exception):
    """The server has no keys to go by."""


class NoKeyError(KeysError):
    """A server that others can reach must have a key."""


def digest(secret: str) -> str:
    """SHA-256 of a key or a token, in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_secret(prefix: str) -> str:
    """A secret of 256 random bits."""
    return f"{prefix}{secrets.token_urlsafe(32)}"


class KeyRing:
    """Known keys by hash."""

    def __init__(self, owners: Mapping[str, str]) -> None:
        self._owners = dict(owners)

    def owner(self, key: str) -> str | None:
        """Whose key this is; every stored hash is compared in constant time."""
        presented = digest(key)
        found = None
        for known, owner in self._owners.items():
            if hmac.compare_digest(known, presented):
                found = owner
        return found


def open_key_ring(folder: Path, given: str | None, *, loopback: bool) -> tuple[KeyRing, str | None]:
    """The key ring of a data folder, and a key that was made because there was none.

    A made key is valid from the next start on only if ``keep`` is called.

    Raises:
        NoKeyError: there is no key and the server is not on loopback.
        KeysError: the file of keys cannot be read.
    """
    if given is not None:
        return KeyRing({digest(given): OWNER}), None
    path = folder / FILE
    if path.exists():
        return _stored(path), None
    if not loopback:
        raise NoKeyError("listening beyond this machine needs a key: give --api-key")
    made = new_secret("vv_")
    return KeyRing({digest(made): OWNER}), made


def _stored(path: Path) -> KeyRing:
    try:
        return KeyRing(msgspec.json.decode(path.read_bytes(), type=dict[str, str]))
    except msgspec.DecodeError as error:
        raise KeysError(f"{path} is damaged: restore it, or remove it for a new key") from error


def keep(folder: Path, key: str) -> None:
    """Remember a key, as its hash, for the next start; all of it or nothing."""
    part = folder / f"{FILE}.part"
    with os.fdopen(new_file(part), "w") as file:
        json.dump({digest(key): OWNER}, file)
        file.flush()
        os.fsync(file.fileno())
    publish(part, folder / FILE)
