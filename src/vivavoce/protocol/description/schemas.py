"""Structs to JSON Schemas that mean the same in OpenAPI 3.1 and in AsyncAPI 3.0."""

from collections.abc import Sequence
from typing import Any

import msgspec

from vivavoce.protocol.description.fields import DESCRIPTIONS
from vivavoce.protocol.request import ADD_ONS_WITH_CONFIG

Schema = dict[str, Any]

SCHEMAS = "#/components/schemas/"

# The host may be a name or an IPv4 address; the server itself takes every host that a URL can have.
_HTTP_URL = r"^https?://[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?([/?#][!-Z^-~]*)?$"


def ref(kind: type) -> Schema:
    """A reference to the schema of a struct."""
    return {"$ref": SCHEMAS + kind.__name__}


def components(read: Sequence[Any], written: Sequence[Any]) -> dict[str, Schema]:
    """The schemas of types and of all they hold, by name.

    Args:
        read: what the server reads; a field with a default may be left out.
        written: what the server writes; every field is there, unless it is declared ``UNSET``.
    """
    incoming = _schemas(read)
    outgoing = {name: s for name, s in _schemas(written).items() if name not in incoming}
    for schema in outgoing.values():
        _complete(schema)
    found = incoming | outgoing
    for name, rule in _RULES.items():
        if name in found:
            found[name] |= rule
    for name, schema in found.items():
        _describe(name, schema)
    return found


def _schemas(types: Sequence[Any]) -> dict[str, Schema]:
    _, found = msgspec.json.schema_components(types, ref_template=SCHEMAS + "{name}")
    return {name: _plain(schema) for name, schema in found.items()}


def _plain(schema: Any) -> Any:
    """The part of JSON Schema that drafts 7 and 2020-12 share: pairs become bounded lists."""
    if isinstance(schema, list | tuple):
        return [_plain(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: _plain(part) for name, part in schema.items() if name != "prefixItems"}
    if "prefixItems" in schema:
        first, *others = map(_plain, schema["prefixItems"])
        if any(other != first for other in others):
            raise TypeError("a tuple of the wire has members of one type")
        plain["items"] = first
    return plain


def _complete(schema: Schema) -> None:
    """What is written carries its defaults."""
    for name, field in schema.get("properties", {}).items():
        if "default" in field:
            del field["default"]
            schema["required"].append(name)


def _describe(name: str, schema: Schema) -> None:
    schema["description"] = _markdown(schema.get("description", name))
    for field, about in schema.get("properties", {}).items():
        if text := DESCRIPTIONS.get(f"{name}.{field}"):
            about["description"] = text


def _markdown(docstring: str) -> str:
    return " ".join(docstring.replace("``", "`").split())


def _when(field: str, needed: str, rule: Schema) -> Schema:
    """When ``field`` is true, ``needed`` must be an object to which ``rule`` applies."""
    needs = {"properties": {needed: {"type": "object", **rule}}, "required": [needed]}
    return {"if": {"properties": {field: {"const": True}}, "required": [field]}, "then": needs}


_CALLBACK_URL: Schema = {
    "properties": {"url": {"type": "string", "pattern": _HTTP_URL}},
    "required": ["url"],
}

_RULES: dict[str, Schema] = {
    "RealtimeProcessing": {
        "allOf": [_when(name, f"{name}_config", {}) for name in ADD_ONS_WITH_CONFIG]
    },
    "InitRequest": {"allOf": [_when("callback", "callback_config", _CALLBACK_URL)]},
}
"""What holds between fields, which types cannot say; ``parse_init`` checks the same."""
