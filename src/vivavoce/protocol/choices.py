"""Texts of which only some are allowed, with the tolerance that real clients need."""

from collections.abc import Callable
from typing import Annotated

import msgspec

from vivavoce.protocol import languages


class Choices(msgspec.Struct, frozen=True):
    """Allowed texts, as published; ``resolve`` gives what a client's spelling means, or None."""

    allowed: tuple[str, ...]
    resolve: Callable[[str], str | None]


def _choices(allowed: tuple[str, ...], resolve: Callable[[str], str | None]) -> msgspec.Meta:
    return msgspec.Meta(
        extra_json_schema={"enum": list(allowed)}, extra={"choices": Choices(allowed, resolve)}
    )


# `solaria-1` is the only published live model, and what `fast` and `accurate` mean is ours to say;
# the others are names that older clients send.
MODELS = ("solaria-1", "solaria-2", "solaria-mini-1", "fast", "accurate")
NEW_MODELS = "solaria-"
"""How the names of later models begin: here each of them is ``solaria-1``."""


def _model(name: str) -> str | None:
    if name in MODELS:
        return name
    return MODELS[0] if name.lower().startswith(NEW_MODELS) else None


def _spoken(code: str) -> str | None:
    return languages.resolve(code, languages.SPOKEN_CODES)


def _target(code: str) -> str | None:
    return languages.resolve(code, languages.TRANSLATION_CODES)


Model = Annotated[str, _choices(MODELS, _model)]
Language = Annotated[str, _choices(languages.TRANSCRIPTION_CODES, _spoken)]
TargetLanguage = Annotated[str, _choices(languages.TRANSLATION_CODES, _target)]
