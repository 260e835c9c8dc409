"""Compares the engine's word times with those of a second aligner, a Whisper model.

Neither is exact: a Whisper aligner itself differs by about 0.05 s (base, ends) to 0.1 s (tiny.en,
starts) from hand-made times, and base starts words early. Words on which the two engines agree
are compared; the table shows mean, median and bias of the differences.

Requires the package ``faster-whisper``, and a folder with a CTranslate2 model:

    python bench/second_aligner.py --audio DIR --whisper MODEL_DIR [--prefix en/librispeech]
"""

import argparse
import re
import sys
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
from speech_corpus import Clip, open_engine, read_audio, read_clips

from vivavoce.recognition.contract import SAMPLE_RATE, DecodeRequest, Engine

Timed = tuple[str, float, float]
"""A plain word, its start and its end in seconds."""

LONGEST_SECONDS = 20
NEAR_SECONDS = 0.2


def plain(word: str) -> str:
    """Return a word without case and punctuation."""
    return re.sub(r"[^a-z0-9']", "", word.lower())


def ours(engine: Engine, clip: Clip) -> list[Timed]:
    """Return the engine's words."""
    audio = read_audio(clip.path).astype("<f4").tobytes()
    (heard,) = engine.decode([DecodeRequest(audio, "final", "en")])
    return [(plain(w.text), w.start / SAMPLE_RATE, w.end / SAMPLE_RATE) for w in heard.words]


def theirs(whisper: object, clip: Clip) -> list[Timed]:
    """Return the second aligner's words."""
    transcribe = whisper.transcribe  # type: ignore[attr-defined]  # an optional package
    segments, _ = transcribe(read_audio(clip.path), language="en", word_timestamps=True)
    return [(plain(w.word), w.start, w.end) for segment in segments for w in segment.words]


def differences(first: list[Timed], second: list[Timed]) -> Iterator[tuple[float, float]]:
    """Return start and end differences of the words that both recognised."""
    matcher = SequenceMatcher(
        None, [word for word, *_ in first], [word for word, *_ in second], autojunk=False
    )
    for block in matcher.get_matching_blocks():
        for offset in range(block.size):
            _, start, end = first[block.a + offset]
            _, other_start, other_end = second[block.b + offset]
            yield start - other_start, end - other_end


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audio", type=Path, required=True)
    parser.add_argument("--whisper", required=True, help="folder of a CTranslate2 Whisper model")
    parser.add_argument("--prefix", default="en/librispeech")
    parser.add_argument("--clips", type=int, default=30)
    options = parser.parse_args()
    try:
        from faster_whisper import WhisperModel  # noqa: PLC0415  an optional package
    except ImportError:
        sys.exit("this benchmark needs a second aligner: pip install faster-whisper")
    engine = open_engine("moonshine-tiny-en", None)
    whisper = WhisperModel(options.whisper, device="cpu", compute_type="int8", cpu_threads=1)
    found = [
        difference
        for clip in list(read_clips(options.audio, options.prefix))[: options.clips]
        if len(read_audio(clip.path)) <= LONGEST_SECONDS * SAMPLE_RATE
        for difference in differences(ours(engine, clip), theirs(whisper, clip))
    ]
    print(f"{len(found)} words of {options.prefix} against {Path(options.whisper).name}\n")
    print(f"| | mean absolute s | median s | bias s | within {NEAR_SECONDS} s |")
    print("|---|---|---|---|---|")
    for name, column in zip(("start", "end"), np.array(found).T, strict=True):
        size = np.abs(column)
        print(
            f"| {name} | {size.mean():.3f} | {np.median(size):.3f} | {column.mean():+.3f} "
            f"| {100 * (size <= NEAR_SECONDS).mean():.0f} % |"
        )


if __name__ == "__main__":
    main()
