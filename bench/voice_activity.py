"""Compares endpointing thresholds on recordings with and without speech.

`python bench/voice_activity.py --audio DIR`, where DIR contains a `manifest.jsonl` whose lines
name a `file` and its `text` ("" without speech). Prints one row for each pair of thresholds and
each `endpointing`, then the effect of the energy gate, then the cost of VAD.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple
from unittest import mock

import numpy as np
import soundfile
from numpy.typing import NDArray

from vivavoce.audio.format import AudioFormat
from vivavoce.audio.intake import Intake
from vivavoce.inference import open_graph
from vivavoce.places import models_folder
from vivavoce.speech import silero
from vivavoce.speech.endpointing import Endpointer
from vivavoce.speech.events import UtteranceEnded
from vivavoce.speech.rules import SAMPLE_RATE, WINDOW_SAMPLES, EndpointingRules
from vivavoce.speech.silero import VoiceActivity, VoiceState

MODEL: Final = Path("silero-vad-6.2", "silero_vad_16k_sequence.onnx")
CHOSEN: Final = (0.5, 0.3)
PAIRS: Final = [(0.4, 0.25), CHOSEN, (0.6, 0.4), (0.6, 0.35), (0.6, 0.3), (0.7, 0.35)]
ENDPOINTING: Final = [0.05, 0.3, 1.0]
LONGEST: Final = 60 * SAMPLE_RATE
LOUD_DB: Final = -12
"""Windows above this level relative to a recording's loud windows count as sound."""
MISSED_WINDOWS: Final = 4
"""A run of loud windows this long outside all utterances counts as missed."""

Signal = NDArray[np.float32]


class Clip(NamedTuple):
    """A recording as the model's input."""

    speech: bool
    signal: Signal
    probabilities: Signal


@dataclass(slots=True)
class Tally:
    """Results of one choice of rules on all recordings."""

    clips: int = 0
    utterances: int = 0
    false_alarms: int = 0
    loud: int = 0
    loud_covered: int = 0
    missed_spans: int = 0

    def add(self, clip: Clip, rules: EndpointingRules) -> None:
        """Count the results of ``rules`` on ``clip``."""
        found = utterances(clip, rules)
        if not clip.speech:
            self.false_alarms += len(found)
            return
        loud, covered = loud_windows(clip.signal), covered_windows(clip, found)
        self.clips += 1
        self.utterances += len(found)
        self.loud += int(loud.sum())
        self.loud_covered += int((loud & covered).sum())
        self.missed_spans += sum(length >= MISSED_WINDOWS for length in runs(loud & ~covered))

    def row(self) -> str:
        """Format the table's right half."""
        covered = 100 * self.loud_covered / self.loud
        each = self.utterances / self.clips
        return f"{self.false_alarms} | {covered:.2f} | {self.missed_spans} | {each:.2f}"


def load(path: Path) -> Signal:
    """Read a recording as the server does."""
    samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
    intake = Intake(AudioFormat(sample_rate=rate, channels=samples.shape[1]))
    heard = np.concatenate([intake.feed(samples.tobytes()), intake.finish()], axis=1)
    return np.ascontiguousarray(heard[0, :LONGEST])


def recordings(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Yield every recording, and whether it contains speech."""
    for line in (folder / "manifest.jsonl").read_text().splitlines():
        entry = json.loads(line)
        yield folder / entry["file"], entry["text"] != ""


def utterances(clip: Clip, rules: EndpointingRules) -> list[UtteranceEnded]:
    """Return the utterances that ``rules`` find."""
    endpointer = Endpointer(rules)
    events = [event for value in clip.probabilities for event in endpointer.hear(float(value))]
    events += endpointer.stop(len(clip.signal))
    return [event for event in events if isinstance(event, UtteranceEnded)]


def loud_windows(signal: Signal) -> NDArray[np.bool_]:
    """Return which windows certainly contain sound."""
    windows = signal[: len(signal) // WINDOW_SAMPLES * WINDOW_SAMPLES].reshape(-1, WINDOW_SAMPLES)
    level = np.sqrt(np.mean(windows**2, axis=1))
    return np.asarray(level > np.percentile(level, 95) * 10 ** (LOUD_DB / 20))


def covered_windows(clip: Clip, found: list[UtteranceEnded]) -> NDArray[np.bool_]:
    """Return which windows belong to an utterance."""
    covered = np.zeros(len(clip.probabilities), np.bool_)
    for utterance in found:
        covered[utterance.start // WINDOW_SAMPLES : -(-utterance.end // WINDOW_SAMPLES)] = True
    return covered


def runs(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the lengths of the runs of set flags."""
    edges = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0))
    return np.asarray(edges[1::2] - edges[::2])


def print_thresholds(clips: list[Clip]) -> None:
    """Print a row for each choice."""
    print("| onset / offset | endpointing | utterances in noise | loud windows covered, % "
          "| loud spans missed | utterances per clip |")  # fmt: skip
    print("|---|---|---|---|---|---|")
    for endpointing in ENDPOINTING:
        for onset, offset in PAIRS:
            windows = -(-round(endpointing * SAMPLE_RATE) // WINDOW_SAMPLES)
            rules = EndpointingRules(onset, offset, windows, 5 * SAMPLE_RATE)
            tally = Tally()
            for clip in clips:
                tally.add(clip, rules)
            print(f"| {onset} / {offset} | {endpointing} | {tally.row()} |")


def with_gaps(clips: list[Clip]) -> Signal:
    """Join the beginnings of recordings with 1 to 4 s of digital silence in between."""
    generator = np.random.default_rng(1)
    pieces = []
    for clip in [clip for clip in clips if clip.speech][::8]:
        pieces.append(clip.signal[: 6 * SAMPLE_RATE])
        pieces.append(np.zeros(generator.integers(SAMPLE_RATE, 4 * SAMPLE_RATE), np.float32))
    return np.concatenate(pieces)


def print_gate(activity: VoiceActivity, signals: dict[str, list[Signal]]) -> None:
    """Compare results of the model on all windows with those when quiet windows are skipped."""
    print("\n| signal | waits for | windows not run | judged otherwise | likeliest not run |")
    print("|---|---|---|---|---|")
    for name, heard in signals.items():
        watched = np.concatenate([hear(activity, signal, patience=LONGEST) for signal in heard])
        for patience in (0, 8, 16, 32, 48):
            rested = np.concatenate([hear(activity, one, patience=patience) for one in heard])
            asleep = rested == 0
            differ = np.count_nonzero((rested >= CHOSEN[0]) != (watched >= CHOSEN[0]))
            print(f"| {name} | {patience} | {np.count_nonzero(asleep)} of {len(rested)} "
                  f"| {differ} | {watched[asleep].max(initial=0):.2f} |")  # fmt: skip


def hear(activity: VoiceActivity, signal: Signal, *, patience: int) -> Signal:
    """Compute probabilities for a signal with another ``QUIET_WINDOWS``."""
    with mock.patch.object(silero, "QUIET_WINDOWS", patience):
        return activity.probabilities(VoiceState(), signal)[0]


def print_cost(activity: VoiceActivity, signal: Signal) -> None:
    """Print the cost of a second of audio by block size."""
    print("\n| signal | windows at a time | CPU ms per audio second |\n|---|---|---|")
    for name, heard in [("speech", signal), ("silence", np.zeros_like(signal))]:
        for block in (1, 3, 8, 32):
            state, begun = VoiceState(), time.process_time()
            for start in range(0, len(heard), block * WINDOW_SAMPLES):
                piece = heard[start : start + block * WINDOW_SAMPLES]
                _, state = activity.probabilities(state, piece)
            cost = (time.process_time() - begun) * 1e3 / (len(heard) / SAMPLE_RATE)
            print(f"| {name} | {block} | {cost:.2f} |")


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audio", type=Path, required=True)
    parser.add_argument("--model", default=models_folder() / MODEL)
    options = parser.parse_args()
    activity = VoiceActivity(open_graph(Path(options.model)))
    clips = []
    for path, speech in recordings(options.audio):
        signal = load(path)
        clips.append(Clip(speech, signal, activity.probabilities(VoiceState(), signal)[0]))
    seconds = sum(len(clip.signal) for clip in clips) / SAMPLE_RATE
    print(f"{len(clips)} recordings, {seconds:.0f} s\n", flush=True)
    print_thresholds(clips)
    alone = [clip.signal for clip in clips]
    print_gate(activity, {"recordings": alone, "with gaps": [with_gaps(clips)]})
    print_cost(activity, max((clip.signal for clip in clips if clip.speech), key=len))


if __name__ == "__main__":
    main()
