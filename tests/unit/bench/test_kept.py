from collections.abc import Sequence
from pathlib import Path

import pytest
from accuracy.kept import KeptEngine

from vivavoce.recognition.contract import Capabilities, Context, DecodeRequest, Hypothesis


class Counting:
    """Says how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.capabilities = Capabilities(frozenset({"en"}))

    def warm_up(self) -> None:
        """Nothing to do."""

    def decode(self, batch: Sequence[DecodeRequest]) -> list[Hypothesis]:
        self.asked += len(batch)
        return [Hypothesis(f" {self.asked}", (), "en", 1.0) for _ in batch]


ONE = DecodeRequest(b"1234", "final", "en")
TOLD = DecodeRequest(b"1234", "final", "en", Context(b"1234", (" One.",)))


def test_an_answer_is_found_once_and_kept_for_the_next_time(tmp_path: Path) -> None:
    engine = Counting()
    with KeptEngine(engine, tmp_path / "kept") as kept:
        first = kept.decode([ONE, TOLD, ONE])
    with KeptEngine(engine, tmp_path / "kept") as kept:
        assert kept.decode([ONE, TOLD, ONE]) == first
    assert engine.asked == 2


def test_an_answer_that_was_being_written_when_the_program_died_is_found_again(
    tmp_path: Path,
) -> None:
    path = tmp_path / "kept"
    with KeptEngine(Counting(), path) as kept:
        kept.decode([ONE, TOLD])
    path.write_bytes(path.read_bytes()[:-1])
    engine = Counting()
    for _ in range(2):
        with KeptEngine(engine, path) as kept:
            kept.decode([ONE, TOLD])
    assert engine.asked == 1


def test_a_partial_is_refused(tmp_path: Path) -> None:
    with (
        KeptEngine(Counting(), tmp_path / "kept") as kept,
        pytest.raises(ValueError, match="partial"),
    ):
        kept.decode([DecodeRequest(b"1234", "partial", "en")])
