"""Redacts secrets in log values, in any spelling. No I/O."""

import re
from collections.abc import Mapping
from typing import Any

MAX_CHARACTERS = 2000
"""Maximum length of a text in a log line; a path or an error may repeat client data."""

MAX_LEVELS = 5
"""Maximum levels of nesting; deeper values are left out."""

PAIR = 2
"""Items of a header: its name and its value."""

REDACTED = "[redacted]"


def _spelled(name: str) -> str:
    """Return a pattern for a name, with each character plain or percent-encoded."""
    return "".join(map(_any_spelling, name))


def _any_spelling(char: str) -> str:
    return rf"(?:{re.escape(char)}|%{ord(char):02x}|%{ord(char.upper()):02x})"


_NAMES = "|".join(map(_spelled, ("token", "x-gladia-key", "x_gladia_key", "api_key", "api-key")))
_EQUALS = r"(?:['\"]?\s*(?:=|:|%3d|%3a|,)\s*b?['\"]?)"
_PAIR = re.compile(rf"((?:{_NAMES}){_EQUALS})[^\s&'\",;]+", re.IGNORECASE)
_HEADER = re.compile(
    r"((?:authorization|proxy-authorization|cookie|set-cookie)['\"]?\s*[:=,]\s*b?['\"]?)[^\r\n'\"]+",
    re.IGNORECASE,
)
_OURS = re.compile(r"\b(?:vv_|whsec_)[A-Za-z0-9+/_=-]{8,}")


def clean_text(text: str, most: int = MAX_CHARACTERS) -> str:
    """Redact tokens, keys, cookies and credentials in a text, shortened to ``most`` characters."""
    if len(text) > most:
        text = f"{text[:most]}… ({len(text)} characters)"
    text = _OURS.sub(REDACTED, text)
    for pattern in (_PAIR, _HEADER):
        text = pattern.sub(rf"\1{REDACTED}", text)
    return text


def clean(value: Any, most: int = MAX_CHARACTERS, levels: int = MAX_LEVELS) -> Any:
    """Return a value of a log line with the secrets in all its texts redacted."""
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{len(value)} bytes"
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _clean_within(value, most, levels - 1) if levels else "…"
    return clean_text(str(value), most)


def _clean_within(value: Any, most: int, levels: int) -> Any:
    if not isinstance(value, Mapping):
        inner = [clean(one, most, levels) for one in value]
        is_pair = len(inner) == PAIR and isinstance(inner[0], str)
        return [inner[0], _by_name(inner[0], inner[1])] if is_pair else inner
    return {
        clean_text(str(name), most): _by_name(str(name), clean(one, most, levels))
        for name, one in value.items()
    }


_SECRET_NAMES = re.compile(
    r"token|x[-_]gladia[-_]key|api[-_]?key|authorization|cookie|secrets?|password", re.IGNORECASE
)


def _by_name(name: str, value: Any) -> Any:
    """Return a value, or ``REDACTED`` if its name marks it as a secret."""
    return REDACTED if _SECRET_NAMES.fullmatch(name) else value
