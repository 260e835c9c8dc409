"""Measures errors of word times on words whose positions are known.

Uses recordings of isolated words joined with pauses (kind ``digits``): a word begins and ends with
its sound, which the clean recording shows. With ``--snr`` the engine decodes them in white noise.
Misrecognised words are excluded; the table shows their number.

    python bench/word_times.py --audio DIR [--snr 20] [--json FILE]
"""

import argparse
import json
import re
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path

import numpy as np
from speech_corpus import Clip, Floats, open_engine, read_audio, read_clips

from vivavoce.recognition.contract import SAMPLE_RATE, DecodeRequest, Engine, SpokenWord

_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_DIGITS = {name: str(digit) for digit, name in enumerate(_NAMES)}
_SILENCE = 1e-3
_PAUSE_S = 0.1
_NEAR_S = 0.2

Span = tuple[float, float]


def known_spans(audio: Floats) -> list[Span]:
    """Return the positions of the words (seconds), found by the pauses between them."""
    sound = np.flatnonzero(np.abs(audio) > _SILENCE)
    jumps = np.flatnonzero(np.diff(sound) > _PAUSE_S * SAMPLE_RATE)
    bounds = [0, *(jumps + 1), len(sound)]
    return [(sound[a] / SAMPLE_RATE, sound[b - 1] / SAMPLE_RATE) for a, b in pairwise(bounds)]


def plain(word: str) -> str:
    """Return a word without case and punctuation, and names of digits as digits."""
    letters = re.sub(r"[^a-z0-9]", "", word.lower())
    return _DIGITS.get(letters, letters)


def with_noise(audio: Floats, snr: float | None) -> Floats:
    """Add white noise ``snr`` dB below the speech."""
    if snr is None:
        return audio
    speech = audio[np.abs(audio) > _SILENCE]
    level = np.sqrt(np.square(speech).mean()) * 10 ** (-snr / 20)
    noise = np.random.default_rng(0).normal(0, level, len(audio))
    return (audio + noise).astype(np.float32)


def errors(clip: Clip, audio: Floats, words: tuple[SpokenWord, ...]) -> list[Span]:
    """Return start and end errors (seconds) of the correctly recognised words."""
    spans, spoken = known_spans(audio), [plain(word) for word in clip.text.split()]
    if len(spans) != len(spoken):
        return []
    heard = [plain(word.text) for word in words]
    blocks = SequenceMatcher(None, heard, spoken, autojunk=False).get_matching_blocks()
    pairs = [
        (words[block.a + at], spans[block.b + at]) for block in blocks for at in range(block.size)
    ]
    return [
        (word.start / SAMPLE_RATE - start, word.end / SAMPLE_RATE - end)
        for word, (start, end) in pairs
    ]


def measure(engine: Engine, clips: list[Clip], snr: float | None) -> dict[str, float]:
    """Decode every clip and summarise the errors."""
    found, spoken = [], 0
    for clip in clips:
        audio = read_audio(clip.path)
        request = DecodeRequest(with_noise(audio, snr).astype("<f4").tobytes(), "final", "en")
        (hypothesis,) = engine.decode([request])
        found += errors(clip, audio, hypothesis.words)
        spoken += len(clip.text.split())
    both = np.array(found)
    table = {"words_spoken": float(spoken), "words_compared": float(len(both))}
    for column, name in enumerate(("start", "end")):
        off = both[:, column]
        table[f"{name}_mean_abs_s"] = float(np.abs(off).mean())
        table[f"{name}_median_abs_s"] = float(np.median(np.abs(off)))
        table[f"{name}_bias_s"] = float(off.mean())
        table[f"{name}_within_{_NEAR_S}_s"] = float((np.abs(off) <= _NEAR_S).mean())
    return table


def main() -> None:
    """Print the table, and write JSON if requested."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--audio", type=Path, required=True, help="folder with a manifest.jsonl")
    parser.add_argument("--prefix", default="en/digits", help="which ids to take")
    parser.add_argument("--model", default="moonshine-tiny-en")
    parser.add_argument("--models-dir", type=Path)
    parser.add_argument("--snr", type=float, help="speech to noise in dB; without: clean")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    clips = [clip for clip in read_clips(options.audio, options.prefix) if " " in clip.text]
    table = measure(open_engine(options.model, options.models_dir), clips, options.snr)
    for name, value in table.items():
        print(f"{name:22} {value:8.3f}")
    if options.json:
        options.json.write_text(json.dumps(table, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
