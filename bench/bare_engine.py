"""Measures word errors and CPU of an engine alone, without server or VAD, on whole recordings.

    python bench/bare_engine.py --audio DIR [--prefix en/librispeech] [--count 30] [--json FILE]

``partial_*`` are three-second cuts of the same recordings, decoded singly and in batches of four.
``confidence_auc`` is the probability that a correct word has a higher confidence than a wrong one.
"""

import argparse
import json
import time
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path

import jiwer
import numpy as np
from speech_corpus import Clip, Floats, open_engine, read_audio, read_clips
from whisper_normalizer.english import EnglishTextNormalizer

from vivavoce.recognition.contract import (
    SAMPLE_RATE,
    DecodeRequest,
    Engine,
    Hypothesis,
    Purpose,
    SpokenWord,
)

_CUT = 3 * SAMPLE_RATE
_BATCH = 4

normal = EnglishTextNormalizer()


def decode(
    engine: Engine, audios: Sequence[Floats], purpose: Purpose, batch: int
) -> tuple[list[Hypothesis], float]:
    """Decode all audios, ``batch`` at a time; return hypotheses and CPU seconds."""
    requests = [DecodeRequest(audio.astype("<f4").tobytes(), purpose, "en") for audio in audios]
    before = time.process_time()
    found = [
        hypothesis
        for at in range(0, len(requests), batch)
        for hypothesis in engine.decode(requests[at : at + batch])
    ]
    return found, time.process_time() - before


def judged_words(clip: Clip, words: Sequence[SpokenWord]) -> list[tuple[bool, float]]:
    """Return for every word whether it is correct, and its confidence."""
    heard = [normal(word.text) for word in words]
    blocks = SequenceMatcher(None, heard, normal(clip.text).split(), autojunk=False)
    right = {block.a + at for block in blocks.get_matching_blocks() for at in range(block.size)}
    return [(at in right, word.confidence) for at, word in enumerate(words)]


def rank_quality(judged: Sequence[tuple[bool, float]]) -> float:
    """Compute the area under the ROC curve of the confidence."""
    good = np.array([confidence for right, confidence in judged if right])
    bad = np.array([confidence for right, confidence in judged if not right])
    return float(((good[:, None] > bad).mean() + (good[:, None] >= bad).mean()) / 2)


def measure(engine: Engine, clips: Sequence[Clip]) -> dict[str, float]:
    """Decode the clips whole, and as cuts to measure the cost of partials."""
    audios = [read_audio(clip.path) for clip in clips]
    seconds = sum(map(len, audios)) / SAMPLE_RATE
    found, cpu = decode(engine, audios, "final", 1)
    judged = [
        word
        for clip, hypothesis in zip(clips, found, strict=True)
        for word in judged_words(clip, hypothesis.words)
    ]
    cuts = [audio[at : at + _CUT] for audio in audios for at in range(0, len(audio) - _CUT, _CUT)]
    alone, alone_cpu = decode(engine, cuts, "partial", 1)
    together, together_cpu = decode(engine, cuts, "partial", _BATCH)
    same = [a.text == b.text for a, b in zip(alone, together, strict=True)]
    return {
        "audio_s": seconds,
        "words": float(sum(len(normal(clip.text).split()) for clip in clips)),
        "wer": jiwer.wer([normal(c.text) for c in clips], [normal(h.text) for h in found]),
        "cpu_s_per_audio_s": cpu / seconds,
        "confidence_auc": rank_quality(judged),
        "partial_cpu_ms_alone": alone_cpu / len(cuts) * 1000,
        "partial_cpu_ms_batch_4": together_cpu / len(cuts) * 1000,
        "partial_same_text_in_batch": float(np.mean(same)),
    }


def main() -> None:
    """Print the table, and write JSON if requested."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--audio", type=Path, required=True, help="folder with a manifest.jsonl")
    parser.add_argument("--prefix", default="en/librispeech", help="which ids to take")
    parser.add_argument("--count", type=int, default=30, help="how many recordings at most")
    parser.add_argument("--model", default="moonshine-tiny-en")
    parser.add_argument("--models-dir", type=Path)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    engine = open_engine(options.model, options.models_dir)
    engine.warm_up()
    clips = list(read_clips(options.audio, options.prefix))[: options.count]
    if not clips:
        parser.error(f"no recording of the manifest begins with {options.prefix}")
    table = measure(engine, clips)
    for name, value in table.items():
        print(f"{name:28} {value:9.4f}")
    if options.json:
        options.json.write_text(json.dumps(table, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
