"""Bodies with more values than any request needs: which list or object has too many members.

Nothing is made of what such a body holds: it is cut into raw JSON along the type, level by level,
and the members of a raw list or object are counted up to the bound. Each step is a short call, so
that other threads get their turn.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType, inspect

MOST_VALUES = 20_000
"""Values of a body: as many are read and checked within a few milliseconds."""

MAX_KEY_CHARACTERS = 64
"""Of a client's key within a path; a fault names the place and does not repeat the body."""

_MARKS_READ = 4 * MOST_VALUES
_MARK = re.compile(rb'["\[\]{},]')


def values_in(body: bytes) -> int:
    """Values in a JSON text, or more where its strings hold commas and brackets."""
    return 1 + sum(body.count(mark) for mark in (b",", b"[", b"{"))


def too_many(path: str, most: int, what: str = "elements") -> str:
    """The fault of a list or an object with too many members."""
    return f"{path} must contain no more than {most} {what}"


def overfull(kind: type, body: bytes) -> tuple[str, ...]:
    """Where a valid JSON text of too many values breaks the bounds of a type.

    Where no list and no object does, the body as a whole has too many values.
    """
    faults = tuple(_overfull(inspect.type_info(kind), Raw(body), ""))
    return faults or (too_many("the body", MOST_VALUES, "values"),)


def _overfull(kind: inspect.Type, raw: Raw, path: str) -> Iterator[str]:
    match kind:
        case inspect.Metadata():
            yield from _overfull(kind.type, raw, path)
        case inspect.UnionType():
            for member in kind.types:
                yield from _overfull(member, raw, path)
        case inspect.StructType():
            given = _read(_parts(kind.cls), raw)
            for field in kind.fields:
                inside = getattr(given, field.name, UNSET)
                if isinstance(inside, Raw):
                    where = f"{path}.{field.encode_name}" if path else field.encode_name
                    yield from _overfull(field.type, inside, where)
        case inspect.VarTupleType() | inspect.DictType() if kind.max_length is not None:
            yield from _overfull_members(kind, raw, path, kind.max_length)
        case _:
            pass


def _overfull_members(
    kind: inspect.VarTupleType | inspect.DictType, raw: Raw, path: str, most: int
) -> Iterator[str]:
    opening = b"[" if isinstance(kind, inspect.VarTupleType) else b"{"
    if bytes(memoryview(raw)[:1]) != opening:
        return
    if _members(bytes(raw), most) > most:
        yield too_many(path, most)
    elif isinstance(kind, inspect.VarTupleType):
        for index, item in enumerate(_read(list[Raw], raw) or ()):
            yield from _overfull(kind.item_type, item, f"{path}.{index}")
    else:
        for key, item in (_read(dict[str, Raw], raw) or {}).items():
            yield from _overfull(kind.value_type, item, f"{path}.{key[:MAX_KEY_CHARACTERS]}")


def _read(kind: Any, raw: Raw) -> Any:
    """A value whose parts are raw; None for one of another shape."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError:
        return None


@lru_cache(maxsize=64)
def _parts(kind: type) -> type:
    """A struct with the fields of another, none of them read."""
    fields = [(field.name, Raw | UnsetType, UNSET) for field in msgspec.structs.fields(kind)]
    renamed = {field.name: field.encode_name for field in msgspec.structs.fields(kind)}
    return msgspec.defstruct(kind.__name__, fields, rename=renamed)


def _members(raw: bytes, most: int) -> int:
    """Members of a JSON list or object, counted up to one more than ``most``."""
    plain = raw.replace(b"\\\\", b"__").replace(b'\\"', b"__")  # a quote now ends its string
    depth, commas, at = 0, 0, 0
    for _ in range(_MARKS_READ):
        mark = _MARK.search(plain, at)
        if mark is None or commas >= most:
            break
        at = mark.end()
        match mark[0]:
            case b'"':
                at = plain.find(b'"', at) + 1 or len(plain)
            case b"[" | b"{":
                depth += 1
            case b"]" | b"}":
                depth -= 1
            case _:
                commas += depth == 1
    return commas + 1
