"""Seeds of rounds that went wrong once; every test run plays them again."""

from pathlib import Path

KEPT = Path(__file__).with_name("kept_seeds.txt")
MOST = 20
"""Seeds that are kept of a target."""


def kept() -> list[tuple[str, int]]:
    """Target and seed of each."""
    lines = (line.split("#", 1)[0].strip() for line in KEPT.read_text().splitlines())
    pairs = (line.rpartition(" ") for line in lines if line)
    return [(target, int(seed)) for target, _, seed in pairs]


def keep(failures: list[tuple[str, int]]) -> None:
    """Add what is new."""
    known = kept()
    with KEPT.open("a") as file:
        for pair in failures:
            if pair not in known and sum(name == pair[0] for name, _ in known) < MOST:
                known.append(pair)
                file.write(f"{pair[0]} {pair[1]}\n")
