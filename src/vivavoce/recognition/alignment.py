"""Token times from a decoder's cross-attention.

Engine-neutral: a row of the attention shows which frames of the audio the decoder attended to when
it chose a token. A monotonic path through all rows gives each token a run of frames.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_MEDIAN_WIDTH = 7
"""Width of the median filter, in frames: isolated peaks do not distort the path."""


def token_frames(attention: Floats) -> npt.NDArray[np.int64]:
    """Assign a run of frames to every token.

    Args:
        attention: weights of shape ``[heads, tokens, frames]``, every row summing to one.

    Returns:
        ``tokens + 1`` frame boundaries: token ``t`` holds frames ``[out[t], out[t + 1])``. Every
        run has a frame of its own unless there are more tokens than frames.
    """
    _, tokens, frames = attention.shape
    if tokens > frames:
        return np.linspace(0, frames, tokens + 1).astype(np.int64)
    return monotonic_path(-_salience(attention))


def _salience(attention: Floats) -> Floats:
    """Return the mean over the heads of a token's attention to a frame relative to other tokens."""
    mean = attention.mean(axis=1, keepdims=True)
    deviation = attention.std(axis=1, keepdims=True)
    standard = (attention - mean) / np.maximum(deviation, 1e-9)
    salience: Floats = _median_filter(standard.mean(axis=0, keepdims=True))[0]
    return salience


def _median_filter(values: Floats) -> Floats:
    """Return the median over a window of frames (the last axis), edges repeated."""
    half = _MEDIAN_WIDTH // 2
    padded = np.pad(values, ((0, 0), (0, 0), (half, half)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _MEDIAN_WIDTH, axis=-1)
    middle: Floats = np.partition(windows, half, axis=-1)[..., half]
    return middle


def monotonic_path(cost: Floats) -> npt.NDArray[np.int64]:
    """Return the cheapest division of the frames into one run per token, in order.

    ``cost`` is indexed ``[token, frame]``; the result has the format of :func:`token_frames`. The
    usual dynamic programme fills one cell at a time. Here a whole row is filled at once: with
    running sums ``S`` of the row's cost, ending token ``t`` at frame ``j`` costs ``S[j]`` plus the
    least, over its first frame ``k``, of ``best[t - 1][k - 1] - S[k - 1]``.
    """
    tokens, frames = cost.shape
    sums = np.concatenate(
        [np.zeros((tokens, 1)), np.cumsum(cost, axis=1, dtype=np.float64)], axis=1
    )
    first = np.zeros((tokens, frames), np.int64)
    best = sums[0, 1:]
    index = np.arange(frames)
    for token in range(1, tokens):
        entry = np.concatenate([[np.inf], best[:-1]]) - sums[token, :-1]
        least = np.minimum.accumulate(entry)
        first[token] = np.maximum.accumulate(np.where(entry <= least, index, 0))
        best = least + sums[token, 1:]
    return _trace(first, frames)


def _trace(first: npt.NDArray[np.int64], frames: int) -> npt.NDArray[np.int64]:
    """Follow each token's first frame backwards from the end of the audio."""
    tokens = len(first)
    bounds = np.empty(tokens + 1, np.int64)
    bounds[tokens] = frames
    for token in range(tokens - 1, -1, -1):
        bounds[token] = first[token, bounds[token + 1] - 1]
    return bounds
