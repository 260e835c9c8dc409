"""How finals read across cuts is judged by the reference's own marks."""

import pytest
from accuracy.reading import Cuts, cuts, is_written

SAID = "Printing is an art. It began in Mainz, on the Rhine."


@pytest.mark.parametrize(
    ("finals", "expected"),
    [
        ([" Printing is an art.", " It began in Mainz, on the Rhine."], Cuts(between=1)),
        ([" Printing is.", " An art. It began in Mainz"], Cuts(inside=1, stopped=1, raised=1)),
        ([" Printing is", " an art. It began in Mainz"], Cuts(inside=1)),
        ([" Printing is.", " an art. It began"], Cuts(inside=1, stopped=1, clashing=1)),
        ([" Printing is", " An art. It began"], Cuts(inside=1, raised=1, clashing=1)),
        ([" Printing is an art", " It began in"], Cuts(between=1, unstopped=1, clashing=1)),
        ([" It began in", " Mainz, on the Rhine."], Cuts(inside=1)),
        ([" Printing is an art", " it began in"], Cuts(between=1, unstopped=1, lowered=1)),
        ([" Printing is an arc.", " It began in"], Cuts()),
        ([" Printing is an art. It began in Mainz"], Cuts()),
        ([], Cuts()),
    ],
)
def test_only_cuts_between_words_that_were_heard_right_count(
    finals: list[str], expected: Cuts
) -> None:
    assert cuts(SAID, finals) == expected


@pytest.mark.parametrize(
    ("reference", "written"),
    [(SAID, True), ("printing is an art", False), ("so they say.", False), ("", False)],
)
def test_a_reference_tells_where_sentences_end_if_it_has_marks_and_capitals(
    reference: str, *, written: bool
) -> None:
    assert is_written(reference) is written
