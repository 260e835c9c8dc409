"""One row of the table of limits."""

from dataclasses import dataclass
from typing import Literal

from vivavoce.server.settings import Settings

Area = Literal[
    "connections", "sessions", "requests", "deliveries", "journal", "recognition", "shutdown"
]


@dataclass(frozen=True, slots=True)
class Limit:
    """One bound.

    Attributes:
        name: the bounded quantity.
        value: the constant's value, or the default of the setting.
        reached: what happens at the limit, and where it shows.
        setting: the name of the setting that changes it, or an empty text.
    """

    area: Area
    name: str
    value: float
    unit: str
    reached: str
    setting: str = ""


def from_setting(area: Area, setting: str, unit: str, name: str, reached: str) -> Limit:
    """Return the limit of a setting, which the operator may change."""
    return Limit(area, name, Settings.model_fields[setting].default, unit, reached, setting)
