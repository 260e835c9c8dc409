"""Voice activity detection: the Silero model and the energy gate before it.

The result is a probability of speech for every 32 ms of audio. One ``VoiceActivity`` serves every
channel of every session; each channel has its own ``VoiceState``, a plain value that a checkpoint
can hold. Figures: docs/decisions/0003-voice-activity.md.
"""

from collections.abc import Iterator
from itertools import groupby, pairwise
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vivavoce.inference import Graph
from vivavoce.speech.rules import WINDOW_SAMPLES

CONTEXT_SAMPLES: Final = 64
"""The model's input includes the last 4 ms before each window."""

QUIET_PEAK: Final = 10 ** (-66 / 20)
"""A window is quiet if no sample exceeds this level. It is above the idle noise of A-law and µ-law
(-72 dB) and below the noise floor of any open microphone."""

QUIET_WINDOWS: Final = 32
"""Quiet windows (1 s) before the model is skipped. Skipping it at once would leave a wrong state
after the gaps that noise suppression cuts into speech."""

BLOCK_WINDOWS: Final = 64
"""Maximum windows in one run: bounds memory; larger blocks are no faster."""

_MEMORY_SHAPE: Final = (1, 1, 128)
_MEMORY_BYTES: Final = 128 * 4


class VoiceState(msgspec.Struct, frozen=True):
    """State of one channel between blocks; arrays are bytes of float32.

    Attributes:
        hidden: the model's short-term memory.
        cell: the model's long-term memory.
        tail: the model's context, followed by the samples that do not fill a window yet.
        quiet: number of consecutive quiet windows up to the last one.
    """

    hidden: bytes = bytes(_MEMORY_BYTES)
    cell: bytes = bytes(_MEMORY_BYTES)
    tail: bytes = bytes(CONTEXT_SAMPLES * 4)
    quiet: int = 0


class VoiceActivity:
    """The Silero model. Safe to share between threads; each call uses one thread."""

    def __init__(self, graph: Graph) -> None:
        """Use the sequence model (``silero_vad_16k_sequence.onnx``)."""
        self._session = graph

    def probabilities(
        self, state: VoiceState, samples: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], VoiceState]:
        """Compute the probability of every window that ``samples`` completes.

        Args:
            state: the state that the previous call for this channel returned, or a new state.
            samples: the channel's next samples at 16 kHz, shaped [n]; block sizes do not affect
                the result.

        Returns:
            One probability for each window, shaped [windows], and the state for the next call.
        """
        heard = np.concatenate((np.frombuffer(state.tail, np.float32), samples))
        count = (len(heard) - CONTEXT_SAMPLES) // WINDOW_SAMPLES
        quiet = _quiet_runs(heard[CONTEXT_SAMPLES:], count, state.quiet)
        memory = [_memory(part) for part in (state.hidden, state.cell)]
        result = np.zeros(count, np.float32)
        for start, end in _awake_blocks(quiet):
            result[start:end], *memory = self._run(_windows(heard, start, end), *memory)
        hidden, cell = memory
        tail = heard[count * WINDOW_SAMPLES :].tobytes()
        last_quiet = quiet[-1] if quiet else state.quiet
        return result, VoiceState(hidden.tobytes(), cell.tobytes(), tail, last_quiet)

    def _run(
        self, windows: NDArray[np.float32], hidden: NDArray[np.float32], cell: NDArray[np.float32]
    ) -> list[NDArray[np.float32]]:
        inputs = {"input": windows, "h": hidden, "c": cell}
        return list(self._session.run(["speech_probs", "hn", "cn"], inputs))


def _memory(part: bytes) -> NDArray[np.float32]:
    return np.frombuffer(part, np.float32).reshape(_MEMORY_SHAPE)


def _windows(heard: NDArray[np.float32], start: int, end: int) -> NDArray[np.float32]:
    """Return windows ``start`` to ``end``, each with the context before it."""
    view = np.lib.stride_tricks.sliding_window_view(heard, CONTEXT_SAMPLES + WINDOW_SAMPLES)
    return np.ascontiguousarray(
        view[start * WINDOW_SAMPLES : end * WINDOW_SAMPLES : WINDOW_SAMPLES]
    )


def _quiet_runs(fresh: NDArray[np.float32], count: int, run: int) -> list[int]:
    """Return for each window the number of consecutive quiet windows up to and including it."""
    windows = fresh[: count * WINDOW_SAMPLES].reshape(count, WINDOW_SAMPLES)
    runs = []
    for peak in np.abs(windows).max(axis=1, initial=0.0):
        run = run + 1 if peak < QUIET_PEAK else 0
        runs.append(run)
    return runs


def _awake_blocks(quiet: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the blocks of windows that the model must process, in order."""
    start = 0
    for asleep, group in groupby(run > QUIET_WINDOWS for run in quiet):
        end = start + sum(1 for _ in group)
        if not asleep:
            yield from pairwise([*range(start, end, BLOCK_WINDOWS), end])
        start = end
