"""Texts of which only some are allowed, with the tolerance that real clients need."""

from collections.abc import Callable
from typing import Annotated

import msgspec

from vivavoce.protocol import languages


class Choices(msgspec.Struct, frozen=True):
    """Allowed texts; ``resolve`` gives the allowed text that a client's spelling means."""

    allowed: tuple[str, ...]
    resolve: Callable[[str], str | None]


def _choices(allowed: tuple[str, ...], resolve: Callable[[str], str | None]) -> msgspec.Meta:
    return msgspec.Meta(
        extra_json_schema={"enum": list(allowed)}, extra={"choices": Choices(allowed, resolve)}
    )


# `solaria-1` is the only published live model, and what `fast` and `accurate` mean is ours to say;
# the others are names that older clients send.
MODELS = ("solaria-1", "solaria-2", "solaria-mini-1", "fast", "accurate")


def _model(name: str) -> str | None:
    return name if name in MODELS else None


def _spoken(code: str) -> str | None:
    return languages.resolve(code, languages.TRANSCRIPTION_CODES)


def _target(code: str) -> str | None:
    return languages.resolve(code, languages.TRANSLATION_CODES)


Model = Annotated[str, _choices(MODELS, _model)]
Language = Annotated[str, _choices(languages.TRANSCRIPTION_CODES, _spoken)]
TargetLanguage = Annotated[str, _choices(languages.TRANSLATION_CODES, _target)]
