from itertools import pairwise

import numpy as np

from vivavoce.recognition.alignment import Floats, token_frames


def looking_at(runs: list[int], heads: int = 2) -> Floats:
    """Attention of a decoder that looks at one run of frames after another."""
    bounds = np.cumsum([0, *runs])
    attention = np.full((heads, len(runs), bounds[-1]), 0.01, np.float32)
    for token, (start, end) in enumerate(pairwise(bounds)):
        attention[:, token, start:end] = 1.0
    normal: Floats = attention / attention.sum(-1, keepdims=True)
    return normal


def test_each_token_gets_the_frames_it_looks_at() -> None:
    assert token_frames(looking_at([8, 20, 10])).tolist() == [0, 8, 28, 38]


def test_a_single_frame_of_chance_does_not_pull_a_token() -> None:
    attention = looking_at([10, 10, 10])
    attention[:, 0, 27] = 1.0
    assert token_frames(attention).tolist() == [0, 10, 20, 30]


def test_one_token_holds_all_frames() -> None:
    assert token_frames(looking_at([12])).tolist() == [0, 12]


def test_as_many_tokens_as_frames_get_one_each() -> None:
    attention = np.full((1, 5, 5), 0.2, np.float32)
    assert token_frames(attention).tolist() == [0, 1, 2, 3, 4, 5]


def test_more_tokens_than_frames_are_spread_evenly() -> None:
    bounds = token_frames(np.full((1, 8, 4), 0.25, np.float32))
    assert bounds[0] == 0
    assert bounds[-1] == 4
    assert (np.diff(bounds) >= 0).all()
