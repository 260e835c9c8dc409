"""Matches a session's metadata against a filter, comparing leaves as text.

Clients send numbers and booleans as text (``4576``, ``True``), so a stored number matches its
text, and a stored boolean both its JSON and its Python spelling.
"""

from collections.abc import Mapping
from typing import Any


def matches(metadata: Any, texts: Mapping[str, str], contains: Mapping[str, Any]) -> bool:
    """Return whether all top-level ``texts`` match and ``contains`` is contained."""
    if not texts and not contains:
        return True
    if not isinstance(metadata, dict):
        return False
    has_texts = all(
        key in metadata and text in leaf_texts(metadata[key]) for key, text in texts.items()
    )
    return has_texts and is_contained(contains, metadata)


def is_contained(wanted: Any, stored: Any) -> bool:
    """Return whether a stored value contains the wanted one.

    An object must have every wanted key with a value that contains the wanted value, a list a
    matching element for each wanted element, and a leaf the same text.
    """
    if isinstance(wanted, Mapping):
        return isinstance(stored, Mapping) and all(
            key in stored and is_contained(value, stored[key]) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(stored, list) and all(
            any(is_contained(value, element) for element in stored) for value in wanted
        )
    return not leaf_texts(wanted).isdisjoint(leaf_texts(stored))


def leaf_texts(value: Any) -> frozenset[str]:
    """Return the texts that match a leaf; none for objects and lists."""
    match value:
        case str():
            return frozenset({value})
        case bool():
            return frozenset({str(value), str(value).lower()})
        case None:
            return frozenset({"null", "None"})
        case float() if value.is_integer():
            return frozenset({str(value), str(int(value))})
        case int() | float():
            return frozenset({str(value)})
        case _:
            return frozenset()
