import pytest

from vivavoce.recognition.engines.moonshine import tokens_without_loop


@pytest.mark.parametrize(
    ("tokens", "kept"),
    [
        ([], 0),
        ([5], 1),
        ([5, 5], 2),
        ([5, 5, 5], 1),
        ([1, 2, 3, 4], 4),
        ([9, 1, 2, 1, 2, 1, 2], 3),
        ([9, 1, 2, 1, 2, 1, 2, 1], 3),
        ([1, 1, 1, 2], 4),
        ([7, 8, 1, 2, 3, 1, 2, 3], 8),
    ],
)
def test_a_phrase_that_goes_round_at_the_end_is_kept_once(tokens: list[int], kept: int) -> None:
    assert tokens_without_loop(tokens) == kept
