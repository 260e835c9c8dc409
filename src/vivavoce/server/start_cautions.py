"""Warnings for the operator at the start of the server. No I/O."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from vivavoce.server.addresses import is_loopback
from vivavoce.server.settings import Settings

SHORT_KEY = 16
"""Minimum length of a key in characters; a shorter key can be guessed over a network."""

OTHERS_WRITE = 0o022


@dataclass(frozen=True, slots=True)
class Caution:
    """One warning: a log event with its values, including advice."""

    event: str
    facts: Mapping[str, str] = field(default_factory=dict)


def cautions(settings: Settings, data_mode: int) -> Iterator[Caution]:
    """Yield all warnings.

    Args:
        settings: the settings.
        data_mode: permission bits of the data folder.
    """
    if data_mode & OTHERS_WRITE:
        yield Caution(
            "data_folder_writable_by_others",
            {
                "folder": str(settings.data),
                "mode": f"{data_mode:o}",
                "advice": "others can replace keys and recordings: chmod go-w",
            },
        )
    if is_loopback(settings.host):
        return
    if settings.api_key is not None and len(settings.api_key) < SHORT_KEY:
        yield Caution(
            "api_key_short",
            {"advice": f"a key of fewer than {SHORT_KEY} characters can be guessed"},
        )
    if not ((settings.public_url or "").startswith("https://") or settings.trusted_proxies):
        yield Caution(
            "connections_unencrypted",
            {
                "host": settings.host,
                "advice": "keys and audio travel in clear text: put a proxy with TLS in front, "
                "and set public_url or trusted_proxies",
            },
        )
