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
        name: what is bounded.
        value: the constant's value, or the default of the setting.
        reached: what happens then, and where it shows.
        setting: the operator's name for it, where it may be changed.
    """

    area: Area
    name: str
    value: float
    unit: str
    reached: str
    setting: str = ""


def from_setting(area: Area, setting: str, unit: str, name: str, reached: str) -> Limit:
    """A bound that the operator may change."""
    return Limit(area, name, Settings.model_fields[setting].default, unit, reached, setting)
