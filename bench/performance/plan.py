"""Measurements for the page, in full and in short."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One ``vivavoce bench`` command with its arguments; ``name`` is the name of its file."""

    name: str
    options: tuple[str, ...]
    command: tuple[str, ...]

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments after ``vivavoce bench``."""
        return (*self.options, *self.command)

    @property
    def told(self) -> str:
        """The command as typed in a shell."""
        return " ".join(("vivavoce bench", *self.arguments))


def _step(name: str, options: str, command: str) -> Step:
    return Step(name, tuple(options.split()), tuple(command.split()))


FULL = (
    _step("latency", "--seconds 24", "latency --streams 1,2,4,8,16,24,32"),
    _step("capacity-partials-100", "--seconds 12", "capacity --first 8"),
    _step("capacity-partials-50", "--seconds 16", "capacity --first 8 --talk 50"),
    _step("capacity-finals-100", "--seconds 12 --no-partials", "capacity --first 16 --most 128"),
    _step(
        "capacity-finals-50",
        "--seconds 16 --no-partials",
        "capacity --first 16 --most 128 --talk 50",
    ),
    _step("overhead", "--seconds 32", "overhead --streams 1,32"),
    _step("long", "", "long --speed 40 --talk 20"),
    _step("ingest", "--seconds 20", "ingest --streams 100,300,1000"),
)
"""About 27 minutes on two cores: latency 4, each capacity 3 to 4, overhead 2, long 5, ingest 2."""

QUICK = (
    _step("latency", "--seconds 10", "latency --streams 1,4,8"),
    _step("capacity-partials-100", "--seconds 8", "capacity --first 8 --most 16"),
    _step("capacity-finals-100", "--seconds 8 --no-partials", "capacity --first 16 --most 32"),
    _step("overhead", "--seconds 15", "overhead --streams 1,16"),
    _step("long", "--seconds 1200", "long --speed 40 --talk 20 --minutes 2"),
    _step("ingest", "--seconds 5", "ingest --streams 50,200"),
)
"""A few minutes: checks that everything works, and yields rough figures."""
