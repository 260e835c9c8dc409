"""Markdown from JSON Schemas."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

Schema = dict[str, Any]

STAR = "\\*"

LONG = 20
"""Choices past which only their number is shown."""


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; nothing where there are no rows."""
    lines = ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    if not lines:
        return ""
    head = ["| " + " | ".join(headers) + " |", "|" + "---|" * len(headers)]
    return "\n".join([*head, *lines]) + "\n"


def fields(schema: Schema) -> str:
    """The fields of an object; a required one is marked."""
    required = schema.get("required", ())
    return table(
        ("field", "type", "default", "meaning"),
        (
            (f"`{name}`{STAR * (name in required)}", kind(f), default(f), f.get("description", ""))
            for name, f in schema["properties"].items()
        ),
    )


def kind(schema: Schema) -> str:
    """The type of a value in words."""
    match schema:
        case {"$ref": str(pointer)}:
            name = pointer.rsplit("/", 1)[1]
            words = f"[{name}](#{name.lower()})"
        case {"anyOf": options}:
            words = " or ".join(map(kind, options))
        case {"enum": values}:
            many = f"one of {len(values)} [codes](#language-codes)"
            words = many if len(values) > LONG else ", ".join(map(code, values))
        case {"type": "array", "items": item}:
            words = f"{_length(schema)}: {kind(item)}"
        case {"additionalProperties": dict(member)}:
            words = f"object: {kind(member)}"
        case _:
            words = f"{schema.get('format', schema.get('type', 'any'))}{_range(schema)}"
    return words


def default(schema: Schema) -> str:
    """The default of a field; objects have theirs field by field."""
    value = schema.get("default")
    return "" if value is None or isinstance(value, dict) else code(value)


def code(value: Any) -> str:
    """A value as JSON writes it, without quotes."""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def sections(schemas: dict[str, Schema], names: Iterable[str]) -> Iterator[str]:
    """A section with the fields of each schema."""
    for name in names:
        yield f"### {name}\n\n{schemas[name]['description']}\n\n{fields(schemas[name])}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _length(schema: Schema) -> str:
    least = schema.get("minItems")
    if least is None:
        return "array"
    return f"array of {'' if least == schema.get('maxItems') else 'at least '}{least}"


def _range(schema: Schema) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if most is not None:
        return f" from {least} to {most}"
    return "" if least is None else f" of at least {least}"
