"""Compares soxr's two modes as live resamplers, and measures the cost of replacing the stream.

`python bench/resampling.py` prints one row for each rate and mode: audio held back, CPU, the
greatest difference that a seam between two streams makes to noise, and the CPU of our resampler.
"""

import time
from collections.abc import Callable

import numpy as np
import soxr

from vivavoce.audio.resampler import (
    OVERLAP_SECONDS,
    SEGMENT_SAMPLES,
    SEGMENT_SECONDS,
    TARGET_RATE,
    make_resampler,
)
from vivavoce.audio.samples import Frames

SECONDS = 60
CHUNKS_PER_SECOND = 20


def stream(rate: int, *, variable: bool) -> soxr.ResampleStream:
    """Return a bare soxr stream."""
    return soxr.ResampleStream(rate, TARGET_RATE, 1, dtype="float32", vr=variable)


def pour(feed: Callable[[Frames], Frames], frames: Frames, rate: int) -> tuple[float, list[float]]:
    """Feed chunk by chunk; return CPU ms per audio second and the audio held back, in ms."""
    chunk = rate // CHUNKS_PER_SECOND
    given, held = 0, []
    begun = time.process_time()
    for start in range(0, len(frames), chunk):
        given += len(feed(frames[start : start + chunk]))
        held.append(1e3 * ((start + chunk) / rate - given / TARGET_RATE))
    return (time.process_time() - begun) * 1e3 / SECONDS, held[CHUNKS_PER_SECOND:]


def seam(rate: int, frames: Frames, *, variable: bool) -> float:
    """Return the greatest difference of the old and new streams in the second after a seam."""
    seam_frame, lead_in = SEGMENT_SECONDS * rate, round(OVERLAP_SECONDS * rate)
    end = seam_frame + 2 * rate
    old = stream(rate, variable=variable).resample_chunk(frames[:end])
    new = stream(rate, variable=variable).resample_chunk(frames[seam_frame - lead_in : end])
    after = slice(SEGMENT_SAMPLES, SEGMENT_SAMPLES + TARGET_RATE)
    skip = round(OVERLAP_SECONDS * TARGET_RATE)
    return float(np.abs(old[after] - new[skip : skip + TARGET_RATE]).max())


def main() -> None:
    """Measure everything."""
    print("| rate | mode | held back, ms: mean, most | CPU ms/s | seam, dB | ours, CPU ms/s |")
    print("|---|---|---|---|---|---|")
    for rate in (8_000, 32_000, 44_100, 48_000):
        noise = np.random.default_rng(1).uniform(-0.9, 0.9, (rate * SECONDS, 1)).astype(np.float32)
        ours, _ = pour(make_resampler(rate, 1).feed, noise, rate)
        for mode, variable in (("constant", False), ("variable", True)):
            cost, held = pour(stream(rate, variable=variable).resample_chunk, noise, rate)
            level = 20 * np.log10(max(seam(rate, noise, variable=variable), 1e-10))
            own = f"{ours:.2f}" if variable else ""
            print(f"| {rate} | {mode} | {np.mean(held):.0f}, {max(held):.0f} | {cost:.2f} "
                  f"| {level:.0f} | {own} |")  # fmt: skip


if __name__ == "__main__":
    main()
