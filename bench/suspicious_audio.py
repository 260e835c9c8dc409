"""Measures findings, misses and false alarms of audio inspection over a folder of speech.

    python bench/suspicious_audio.py --audio FOLDER [--every N] [--only true|wrong|cost]

Each clip is encoded in every format of the API, at every rate, with one to eight channels (all
equal, or all but one silent): there must be no findings. Then each wrong declaration is tested;
the table shows how many clips are found, missed or found as something else, and after how many
seconds.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from vivavoce.audio import g711
from vivavoce.audio.findings import Finding
from vivavoce.audio.format import AudioFormat, Encoding
from vivavoce.audio.inspection import SignalInspector

Floats = npt.NDArray[np.float64]

FORMATS = {
    "pcm_8": AudioFormat(bit_depth=8),
    "pcm_16": AudioFormat(bit_depth=16),
    "pcm_24": AudioFormat(bit_depth=24),
    "pcm_32": AudioFormat(bit_depth=32),
    "alaw": AudioFormat(Encoding.ALAW),
    "ulaw": AudioFormat(Encoding.ULAW),
}
SENT = (*FORMATS, "pcm_32 of 16 bits", "signed_8", "pcm_16_big_endian", "float_32", "float_64")
RATES = (8_000, 16_000, 32_000, 44_100, 48_000)
LAYOUTS = [(1, "same"), (2, "same"), (2, "silent"), (2, "other"), (3, "silent"), (8, "same")]
CHUNK = 3200


def encoded(name: str, sound: Floats) -> bytes:
    """Encode samples in [-1, 1) as interleaved bytes of a format."""
    if name in ("alaw", "ulaw"):
        return _companded(Encoding(f"wav/{name}"), np.clip(sound, -1, 1 - 2**-15))
    if name.startswith("float"):
        return sound.astype("<f4" if name == "float_32" else "<f8").tobytes()
    if name == "pcm_32 of 16 bits":
        return (_integers(sound, 16) << 16).astype("<i4").tobytes()
    bits = 8 if name in ("signed_8", "pcm_8") else int(name.split("_")[1])
    whole = _integers(sound, bits)
    if name == "pcm_8":
        return (whole + 128).astype(np.uint8).tobytes()
    if name == "pcm_24":
        return whole.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    kind = {"signed_8": "i1", "pcm_16": "<i2", "pcm_16_big_endian": ">i2", "pcm_32": "<i4"}[name]
    return whole.astype(kind).tobytes()


def _integers(sound: Floats, bits: int) -> npt.NDArray[np.int64]:
    full = 2 ** (bits - 1)
    whole: npt.NDArray[np.int64] = np.round(sound.ravel() * full).astype(np.int64)
    return whole.clip(-full, full - 1)


def _companded(encoding: Encoding, sound: Floats) -> bytes:
    levels = g711.table(encoding).astype(np.int64)
    order = np.argsort(levels, kind="stable")
    middles = (levels[order][1:] + levels[order][:-1]) / 2
    return order[np.searchsorted(middles, sound.ravel() * 2**15)].astype(np.uint8).tobytes()


def interleaved(sound: Floats, channels: int, kind: str) -> Floats:
    """Build channels from one: equal, silent, or from another position of the recording."""
    others = {"same": sound, "silent": 0 * sound, "other": np.roll(sound, len(sound) // 2)}
    quieter = {"quieter": 0.5 * sound}
    other = (others | quieter)[kind]
    return np.stack([sound, *[other] * (channels - 1)], axis=1)


def found_in(audio: bytes, declared: AudioFormat) -> tuple[Finding | None, float]:
    """Return the finding, and the seconds (as declared) until it was made."""
    inspector = SignalInspector(declared)
    for at in range(0, len(audio), CHUNK):
        inspector.feed(audio[at : at + CHUNK])
        if finding := inspector.take_finding():
            return finding, (at + CHUNK) / declared.bytes_per_second
    return None, 0.0


def read_clips(
    folder: Path, every: int, *, first: int = 0, seconds: float = 30.0
) -> Iterator[tuple[str, Floats, int]]:
    """Yield each Nth clip's id, first channel's samples (up to ``seconds``) and rate."""
    lines = (folder / "manifest.jsonl").read_text("utf-8").splitlines()
    for line in lines[first::every]:
        entry = json.loads(line)
        sound, rate = soundfile.read(folder / entry["file"], always_2d=True)
        yield entry["id"], sound[: round(seconds * rate), 0], rate


def declared_as(name: str, rate: int, channels: int) -> AudioFormat:
    """A format of the API."""
    one = FORMATS[name]
    return AudioFormat(one.encoding, one.bit_depth, rate, channels)


def true_declarations(sound: Floats, rate: int, *, full: bool) -> Iterator[tuple[str, str, str]]:
    """Yield label, finding's kind and text for right declarations; findings should be empty."""
    for target in RATES if full else (rate,):
        there = sound if target == rate else soxr.resample(sound, rate, target)
        for channels, kind in LAYOUTS if target == rate else LAYOUTS[:1]:
            mixed = interleaved(there, channels, kind)
            for name in (*FORMATS, "pcm_32 of 16 bits"):
                declared = declared_as(name.removesuffix(" of 16 bits"), target, channels)
                finding, _ = found_in(encoded(name, mixed), declared)
                label = f"{name}, {target} Hz, {channels} ch ({kind})"
                yield label, finding.kind if finding else "", finding.text if finding else ""


def wrong_declarations(
    sound: Floats, rate: int
) -> Iterator[tuple[str, str, Finding | None, float]]:
    """Yield label, expected kind, finding and seconds for each wrong declaration."""
    for sent in SENT:
        audio = encoded(sent, sound)
        for name in FORMATS:
            if name == sent or sent.startswith(f"{name} "):
                continue
            finding, after = found_in(audio, declared_as(name, rate, 1))
            yield f"{sent} declared as {name}", "format", finding, after
    noisy = sound + np.random.default_rng(15).uniform(-1, 1, len(sound)) * 2**-16
    for name in ("pcm_16", "pcm_24", "pcm_32"):
        finding, after = found_in(encoded(name, noisy)[1:], declared_as(name, rate, 1))
        yield f"{name} without its first byte", "shifted", finding, after
    for kind in ("quieter", "silent", "other", "same"):
        audio = encoded("pcm_16", interleaved(sound, 2, kind))
        finding, after = found_in(audio, declared_as("pcm_16", rate, 1))
        yield f"2 channels ({kind}) declared as 1", "channels", finding, after
    finding, after = found_in(encoded("pcm_16", sound), declared_as("pcm_16", rate, 2))
    yield "1 channel declared as 2", "channels", finding, after


def cost(sound: Floats, rate: int) -> None:
    """Print the time that inspection takes for a second of audio."""
    declared = declared_as("pcm_16", rate, 1)
    whole = encoded("pcm_16", sound)
    whole = whole * (600 * declared.bytes_per_second // len(whole) + 1)
    for seconds in (5, 30, 600):
        audio = whole[: seconds * declared.bytes_per_second]
        inspector = SignalInspector(declared)
        begun = time.process_time()
        for at in range(0, len(audio), CHUNK):
            inspector.feed(audio[at : at + CHUNK])
        spent = (time.process_time() - begun) / seconds
        print(f"cost over the first {seconds} s: {spent * 1e6:.1f} µs per second of audio")


def main() -> None:
    """Inspect the clips and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--audio", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="index of the first clip")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each clip")
    parser.add_argument("--quick", action="store_true", help="own rate only")
    parser.add_argument("--only", choices=("true", "wrong", "cost"))
    arguments = parser.parse_args()
    declared, alarms = 0, 0
    clips = read_clips(
        arguments.audio, arguments.every, first=arguments.first, seconds=arguments.seconds
    )
    table: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for index, (clip, sound, rate) in enumerate(clips):
        if index == 0 and arguments.only in (None, "cost"):
            cost(sound, rate)
        if arguments.only in (None, "true"):
            for label, kind, text in true_declarations(sound, rate, full=not arguments.quick):
                declared += 1
                if kind:
                    alarms += 1
                    print(f"FALSE ALARM {clip}: {label}: {kind}: {text}")
        if arguments.only in (None, "wrong"):
            for label, expected, finding, after in wrong_declarations(sound, rate):
                outcome = "missed" if finding is None else "found"
                if finding is not None and finding.kind != expected:
                    outcome = "otherwise"
                table[label][outcome].append(after)
    print(f"true declarations: {declared}, false alarms: {alarms}")
    print("| Sent and declared | Found | Missed | As something else | Median s | 95 % s |")
    print("|---|---:|---:|---:|---:|---:|")
    for label, found in table.items():
        seconds = found["found"] or [0.0]
        counts = " | ".join(str(len(found[each])) for each in ("found", "missed", "otherwise"))
        print(
            f"| {label} | {counts} | {np.median(seconds):.1f} | {np.quantile(seconds, 0.95):.1f} |"
        )


if __name__ == "__main__":
    main()
