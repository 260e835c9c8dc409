"""A layer within Python's own SQLite that tells a recorder what is done to files.

It is SQLite's ordinary Unix VFS with four methods wrapped, made the default while somebody
watches: the code under test, its statements and its ``sqlite3`` module stay as they are. Syncs are
noted and not carried out, since no power is cut for real.
"""

import _sqlite3
import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p
from dataclasses import dataclass, field
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from power.recorder import Recorder

OK, IOERR = 0, 10
OPEN_CREATE, OPEN_MAIN_DB = 0x4, 0x100
OPEN_MAIN_JOURNAL, OPEN_SUPER_JOURNAL, OPEN_WAL = 0x800, 0x4000, 0x80000
_OF_DATABASES = OPEN_MAIN_DB | OPEN_MAIN_JOURNAL | OPEN_WAL
_FOLDER_IS_SYNCED = OPEN_MAIN_JOURNAL | OPEN_SUPER_JOURNAL | OPEN_WAL

_Open = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)
_Delete = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int)
_Close = CFUNCTYPE(c_int, c_void_p)
_Write = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_Truncate = CFUNCTYPE(c_int, c_void_p, c_int64)
_Sync = CFUNCTYPE(c_int, c_void_p, c_int)


class _Vfs(Structure):
    _fields_ = [
        ("iVersion", c_int),
        ("szOsFile", c_int),
        ("mxPathname", c_int),
        ("pNext", c_void_p),
        ("zName", c_char_p),
        ("pAppData", c_void_p),
        ("xOpen", _Open),
        ("xDelete", _Delete),
        ("others", c_void_p * 13),  # version 3 of the structure
    ]


class _Methods(Structure):
    _fields_ = [
        ("iVersion", c_int),
        ("xClose", _Close),
        ("xRead", c_void_p),
        ("xWrite", _Write),
        ("xTruncate", _Truncate),
        ("xSync", _Sync),
        ("others", c_void_p * 13),  # version 3
    ]


@dataclass(slots=True)
class _Opened:
    """An open file that is watched; ``unnamed`` until its folder is synced with it."""

    path: PurePath
    file: int
    unnamed: bool


@cache
def library() -> Any:
    """The SQLite library that Python's module works with.

    Raises:
        AttributeError: it is built into the module and shows nothing of itself.
    """
    found = ctypes.CDLL(_sqlite3.__file__)
    found.sqlite3_vfs_find.restype = POINTER(_Vfs)
    found.sqlite3_vfs_find.argtypes = [c_char_p]
    found.sqlite3_vfs_register.argtypes = [POINTER(_Vfs), c_int]
    found.sqlite3_vfs_unregister.argtypes = [POINTER(_Vfs)]
    return found


def missing() -> str | None:
    """Why SQLite cannot be watched here; None where it can."""
    try:
        library()
    except (AttributeError, OSError) as error:
        return f"Python's SQLite shows no VFS: {error}"
    return None


@contextmanager
def watched_by(recorder: "Recorder") -> Iterator[None]:
    """Every file that SQLite opens meanwhile is watched until it is closed."""
    layer = _layer()
    layer.recorder = recorder
    library().sqlite3_vfs_register(layer.vfs, 1)
    try:
        yield
    finally:
        library().sqlite3_vfs_register(layer.ordinary, 1)
        layer.recorder = None
        layer.files.clear()


@cache
def _layer() -> "_Layer":
    return _Layer(library().sqlite3_vfs_find(None))


@dataclass(slots=True, eq=False)
class _Layer:
    """The VFS and the methods of its files; made once, since SQLite keeps pointers into it."""

    ordinary: Any
    recorder: "Recorder | None" = None
    files: dict[int, _Opened] = field(default_factory=dict)
    vfs: Any = None
    _methods: dict[int, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        vfs = _copied(self.ordinary.contents)
        vfs.zName = b"recorded"
        vfs.xOpen = _Open(self._open)
        vfs.xDelete = _Delete(self._delete)
        self.vfs = ctypes.pointer(vfs)

    def _open(self, _: int, name: int | None, file: int, flags: int, out: int) -> int:
        # The name goes on as the pointer that it is: SQLite keeps it.
        result: int = self.ordinary.contents.xOpen(self.ordinary, name, file, flags, out)
        if result != OK or not name or not flags & _OF_DATABASES or self.recorder is None:
            return result
        path = self.recorder.relative(_text(name))
        if path is not None:
            unnamed = bool(flags & OPEN_CREATE and flags & _FOLDER_IS_SYNCED)
            self.files[file] = _Opened(path, self.recorder.opened(path), unnamed)
            slot = ctypes.cast(file, POINTER(c_void_p))
            slot[0] = self._watched_methods(slot[0])
        return result

    def _delete(self, _: int, name: int, sync_folder: int) -> int:
        result: int = self.ordinary.contents.xDelete(self.ordinary, name, 0)
        path = self.recorder and self.recorder.relative(_text(name))
        if result == OK and path and self.recorder:
            self.recorder.unlinked(path)
            if sync_folder:
                self.recorder.synced_folder(path.parent)
        return result

    def _watched_methods(self, address: int) -> int:
        """The methods at an address with ours among them."""
        if address not in self._methods:
            self._methods[address] = self._wrap(ctypes.cast(address, POINTER(_Methods)).contents)
        return ctypes.addressof(self._methods[address])

    def _wrap(self, real: _Methods) -> _Methods:
        def close(file: int) -> int:
            self.files.pop(file, None)
            return int(real.xClose(file))

        def write(file: int, data: int, size: int, offset: int) -> int:
            result = int(real.xWrite(file, data, size, offset))
            if result == OK and self.recorder and (known := self.files.get(file)):
                self.recorder.wrote(known.file, offset, ctypes.string_at(data, size))
            return result

        def truncate(file: int, size: int) -> int:
            result = int(real.xTruncate(file, size))
            if result == OK and self.recorder and (known := self.files.get(file)):
                self.recorder.truncated(known.file, size)
            return result

        def sync(file: int, _: int) -> int:
            if self.recorder and (known := self.files.get(file)):
                self.recorder.synced(known.file)
                if known.unnamed:
                    self.recorder.synced_folder(known.path.parent)
                    known.unnamed = False
            return OK

        methods: _Methods = _copied(real)
        methods.xClose, methods.xWrite = _Close(close), _Write(write)
        methods.xTruncate, methods.xSync = _Truncate(truncate), _Sync(sync)
        return methods


def _text(address: int) -> str:
    return ctypes.string_at(address).decode()


def _copied(structure: Any) -> Any:
    return type(structure).from_buffer_copy(structure)
