"""API keys: configured, or generated at a first start on loopback. Only hashes are stored."""

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
    """The server has no usable keys."""


class NoKeyError(KeysError):
    """A server that other machines can reach must have a key."""


def digest(secret: str) -> str:
    """Return the SHA-256 of a key or a token, in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_secret(prefix: str) -> str:
    """Generate a secret of 256 random bits."""
    return f"{prefix}{secrets.token_urlsafe(32)}"


class KeyRing:
    """Known keys by hash."""

    def __init__(self, owners: Mapping[str, str]) -> None:
        self._owners = dict(owners)

    def owner(self, key: str) -> str | None:
        """Return the owner of a key; compares with every stored hash, each in constant time.

        White space around a key is ignored: shells and forms add some.
        """
        presented = digest(key.strip())
        found = None
        for known, owner in self._owners.items():
            if hmac.compare_digest(known, presented):
                found = owner
        return found


def open_key_ring(folder: Path, given: str | None, *, loopback: bool) -> tuple[KeyRing, str | None]:
    """Open the key ring of a data folder; generate a key if it has none.

    Returns:
        The key ring, and the generated key or None. A generated key stays valid after a restart
        only if ``keep`` is called.

    Raises:
        NoKeyError: there is no key and the server is not on loopback.
        KeysError: the file of keys cannot be read.
    """
    if given is not None:
        return KeyRing({digest(given.strip()): OWNER}), None
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
    """Store the hash of a key for the next start, atomically."""
    part = folder / f"{FILE}.part"
    with os.fdopen(new_file(part), "w") as file:
        json.dump({digest(key): OWNER}, file)
        file.flush()
        os.fsync(file.fileno())
    publish(part, folder / FILE)
