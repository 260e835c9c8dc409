from itertools import pairwise

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from vivavoce.recognition.alignment import Floats, monotonic_path, token_frames
from vivavoce.recognition.word_times import fit_to_sound

shapes = st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 12))
attentions = shapes.flatmap(
    lambda shape: arrays.arrays(np.float32, shape, elements=st.floats(0, 1, width=32))
)


def cheapest_cut(cost: npt.NDArray[np.float64]) -> float:
    """The textbook dynamic programme, one cell at a time."""
    tokens, frames = cost.shape
    best = np.full((tokens, frames), np.inf)
    best[0] = np.cumsum(cost[0])
    for token in range(1, tokens):
        for frame in range(token, frames):
            before = min(best[token - 1, frame - 1], best[token, frame - 1])
            best[token, frame] = before + cost[token, frame]
    return float(best[-1, -1])


@given(attentions)
def test_token_runs_cover_the_frames_in_order(attention: Floats) -> None:
    _, tokens, frames = attention.shape
    bounds = token_frames(attention)
    assert (bounds[0], bounds[-1], len(bounds)) == (0, frames, tokens + 1)
    least = 1 if tokens <= frames else 0
    assert all(after - before >= least for before, after in pairwise(bounds.tolist()))


@given(
    st.tuples(st.integers(1, 6), st.integers(6, 14)).flatmap(
        lambda shape: arrays.arrays(np.float32, shape, elements=st.integers(-20, 20))
    )
)
def test_filling_rows_at_once_finds_a_path_as_cheap_as_filling_cells(cost: Floats) -> None:
    bounds = monotonic_path(cost).tolist()
    paid = sum(float(cost[t, a:b].sum()) for t, (a, b) in enumerate(pairwise(bounds)))
    assert paid == cheapest_cut(cost.astype(np.float64))


spans = st.lists(st.integers(-4000, 20_000), min_size=2, max_size=20).map(
    lambda cuts: list(pairwise(sorted(cuts)))
)


@given(spans, st.integers(400, 16_000), st.integers(0, 2**32 - 1))
def test_fitted_words_are_inside_ordered_apart_and_never_empty(
    rough: list[tuple[int, int]], samples: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    envelope = np.repeat(rng.choice([0, 1e-3, 1.0], samples // 400 + 1), 400)[:samples]
    audio = (rng.standard_normal(samples) * envelope).astype(np.float32)
    fitted = fit_to_sound(rough, audio)
    assert len(fitted) == len(rough)
    assert all(0 <= start < end <= samples for start, end in fitted)
    assert all(before[1] <= after[0] for before, after in pairwise(fitted))
