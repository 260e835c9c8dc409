"""JSON to typed values, with every fault named.

msgspec stops at the first fault and words it for programmers; the wire promises a list of
``path must …`` texts (contract §1.5), so the value is walked along its type first. The types
stay the only description of what is allowed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from vivavoce.protocol.choices import Choices
from vivavoce.protocol.overfull import (
    MAX_KEY_CHARACTERS,
    MOST_VALUES,
    overfull,
    too_many,
    values_in,
)

T = TypeVar("T")

MAX_FAULTS = 50

_Cleaner = Callable[[Any, Any, str, list[str]], Any]


class InvalidParametersError(ValueError):
    """A body or query that does not fit; ``faults`` says where and why."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


class MalformedJsonError(ValueError):
    """A body that is not a JSON object."""


class _FaultError(ValueError):
    """One fault at one path."""


def validated(kind: type[T], body: bytes) -> T:
    """Decode ``body`` into ``kind``; a null field counts as absent, unknown fields are ignored.

    Raises:
        MalformedJsonError: not JSON, or not an object.
        InvalidParametersError: fields of the wrong type or out of range.
    """
    large = values_in(body) > MOST_VALUES
    try:
        value = msgspec.json.decode(body, type=msgspec.Raw if large else Any)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise MalformedJsonError(f"the body is not valid JSON: {error}") from error
    if large:
        raise InvalidParametersError(overfull(kind, body))
    if not isinstance(value, dict):
        raise MalformedJsonError("the body must be a JSON object")
    faults: list[str] = []
    cleaned = _clean(inspect.type_info(kind), value, "", faults)
    if faults:
        raise InvalidParametersError(faults[:MAX_FAULTS])
    return msgspec.convert(cleaned, kind)


def nesting(value: Any) -> int:
    """Levels of objects and arrays in a JSON value, none for a leaf."""
    levels = 0
    inside = [value]
    while inside := [part for part in inside if isinstance(part, dict | list)]:
        levels += 1
        inside = [
            child
            for part in inside
            for child in (part.values() if isinstance(part, dict) else part)
        ]
    return levels


def _clean(kind: inspect.Type, value: Any, path: str, faults: list[str]) -> Any:
    """A copy of ``value`` ready for conversion; faults are added to ``faults``."""
    if len(faults) >= MAX_FAULTS:
        return value  # it is refused anyway
    clean: _Cleaner = _CLEANERS.get(type(kind), _clean_leaf)
    try:
        return clean(kind, value, path, faults)
    except _FaultError as fault:
        faults.append(str(fault))
        return value


def _clean_struct(kind: inspect.StructType, value: Any, path: str, faults: list[str]) -> Any:
    if not isinstance(value, Mapping):
        raise _FaultError(f"{path} must be an object")
    cleaned = {}
    for field in kind.fields:
        where = f"{path}.{field.encode_name}" if path else field.encode_name
        given = value.get(field.encode_name)
        if given is not None:
            cleaned[field.encode_name] = _clean(field.type, given, where, faults)
        elif field.required:
            faults.append(f"{where} is required")
    return cleaned


def _clean_union(kind: inspect.UnionType, value: Any, path: str, faults: list[str]) -> Any:
    """Check against the member of the same JSON shape (unions here never share a shape)."""
    members = kind.types
    fitting = [member for member in members if _same_shape(member, value)]
    if fitting or len(members) == 1:
        return _clean((fitting or members)[0], value, path, faults)
    raise _FaultError(f"{path} must be {' or '.join(_shape_name(member) for member in members)}")


def _clean_list(kind: inspect.VarTupleType, value: Any, path: str, faults: list[str]) -> Any:
    if not isinstance(value, list):
        raise _FaultError(f"{path} must be an array")
    if kind.min_length is not None and len(value) < kind.min_length:
        raise _FaultError(f"{path} must contain at least {kind.min_length} elements")
    if kind.max_length is not None and len(value) > kind.max_length:
        raise _FaultError(too_many(path, kind.max_length))
    return [
        _clean(kind.item_type, item, f"{path}.{index}", faults) for index, item in enumerate(value)
    ]


def _clean_dict(kind: inspect.DictType, value: Any, path: str, faults: list[str]) -> Any:
    if not isinstance(value, Mapping):
        raise _FaultError(f"{path} must be an object")
    if kind.max_length is not None and len(value) > kind.max_length:
        raise _FaultError(too_many(path, kind.max_length))
    return {
        key: _clean(kind.value_type, item, f"{path}.{key[:MAX_KEY_CHARACTERS]}", faults)
        for key, item in value.items()
    }


def _clean_choice(kind: inspect.Metadata, value: Any, path: str, faults: list[str]) -> Any:
    value = _clean(kind.type, value, path, faults)
    choices = (kind.extra or {}).get("choices")
    if not isinstance(choices, Choices) or not isinstance(value, str):
        return value
    resolved = choices.resolve(value)
    if resolved is None:
        raise _FaultError(_one_of(path, choices.allowed))
    return resolved


def _clean_literal(kind: inspect.LiteralType, value: Any, path: str, _faults: list[str]) -> Any:
    for allowed in kind.values:
        # 16.0 is 16 in JSON, but true is not 1.
        if value == allowed and not isinstance(value, bool):
            return allowed
    raise _FaultError(_one_of(path, kind.values))


def _clean_leaf(kind: inspect.Type, value: Any, path: str, _faults: list[str]) -> Any:
    if isinstance(kind, inspect.IntType) and isinstance(value, float) and value.is_integer():
        value = int(value)
    if not _same_shape(kind, value):
        raise _FaultError(f"{path} must be {_shape_name(kind)}")
    for fault in _range_faults(kind, value):
        raise _FaultError(f"{path} must {fault}")
    return value


def _range_faults(kind: inspect.Type, value: Any) -> Iterator[str]:
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        if kind.ge is not None and not value >= kind.ge:
            yield f"not be less than {kind.ge:g}"
        if kind.le is not None and not value <= kind.le:
            yield f"not be greater than {kind.le:g}"
    if isinstance(kind, inspect.StrType) and kind.min_length and len(value) < kind.min_length:
        yield "not be empty"


def _same_shape(kind: inspect.Type, value: Any) -> bool:
    """Whether the JSON shapes agree (a bool is no number, an int is a float)."""
    if isinstance(kind, inspect.Metadata):
        return _same_shape(kind.type, value)
    if type(kind) not in _SHAPES:
        return True
    _, python_types = _SHAPES[type(kind)]
    if isinstance(value, bool):
        return python_types == (bool,)
    return isinstance(value, python_types)


def _shape_name(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.Metadata):
        return _shape_name(kind.type)
    return _SHAPES[type(kind)][0]


def _one_of(path: str, allowed: Sequence[object]) -> str:
    return f"{path} must be one of the following values: {', '.join(map(str, allowed))}"


_SHAPES: Mapping[type[inspect.Type], tuple[str, tuple[type, ...]]] = {
    inspect.BoolType: ("a boolean", (bool,)),
    inspect.IntType: ("an integer", (int,)),
    inspect.FloatType: ("a number", (int, float)),
    inspect.StrType: ("a string", (str,)),
    inspect.StructType: ("an object", (dict,)),
    inspect.DictType: ("an object", (dict,)),
    inspect.VarTupleType: ("an array", (list,)),
}

_CLEANERS: Mapping[type[inspect.Type], _Cleaner] = {
    inspect.Metadata: _clean_choice,
    inspect.StructType: _clean_struct,
    inspect.UnionType: _clean_union,
    inspect.VarTupleType: _clean_list,
    inspect.DictType: _clean_dict,
    inspect.LiteralType: _clean_literal,
}
