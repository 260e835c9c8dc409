"""Ways to read the same bytes as samples, and the roughness of each reading.

Neighbouring samples of real sound resemble each other. Bytes read in the wrong format lose that
resemblance, so the reading with the least roughness indicates what was sent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vivavoce.audio.format import AudioFormat, Encoding
from vivavoce.audio.samples import decode_frames

Values = NDArray[np.float32]
"""Samples in [-1, 1], interleaved."""

LEAST_LEVEL: Final = 0.004
"""Root mean square below which a reading is silence (-48 dB)."""

_LOW_PART_LIKENESS: Final = 0.25
_NARROWEST_UNIFORM: Final = 0.85
_WIDEST_UNIFORM: Final = 1.15
_SANE_FLOAT: Final = 4.0
_LEAST_FLOAT: Final = 1e-30
_STRETCHES: Final = 12
_EVEN_STRETCHES: Final = 5
"""Parts of a block that must hold energy; with 9, a fifth of the signed 8-bit samples is missed."""
_SHARE: Final = 0.1
"""Energy of such a part, over the mean of all."""
_RESIDUES: Final = 12
"""A multiple of 2, 3 and 4, the numbers of narrow frames in which a wide one repeats."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read bytes.

    Attributes:
        name: a short constant.
        sent: description of the audio that the sender has.
        advice: what to declare or to do instead.
        width: bytes of one sample.
        decode: converts bytes to interleaved samples, or returns None if they cannot be in this
            format.
    """

    name: str
    sent: str
    advice: str
    width: int
    decode: Callable[[bytes], Values | None]


def _declared(encoding: Encoding, bit_depth: int = 8) -> Callable[[bytes], Values]:
    audio = AudioFormat(encoding=encoding, bit_depth=bit_depth)
    return lambda data: decode_frames(audio, data).ravel()


def _signed_8(data: bytes) -> Values:
    return np.frombuffer(data, np.int8).astype(np.float32) * np.float32(2.0**-7)


def _big_endian_16(data: bytes) -> Values:
    return np.frombuffer(data, ">i2").astype(np.float32) * np.float32(2.0**-15)


def _floats(kind: str) -> Callable[[bytes], Values | None]:
    def decode(data: bytes) -> Values | None:
        values = np.frombuffer(data, kind)
        sane = np.abs(values) <= _SANE_FLOAT  # false for NaN and infinity
        if not sane.all():
            return None
        tiny = (np.abs(values) < _LEAST_FLOAT) & (values != 0)
        return None if tiny.any() else values.astype(np.float32)

    return decode


READINGS: Final = (
    Reading(
        "pcm_8",
        "unsigned 8-bit samples",
        'declare encoding "wav/pcm" and bit_depth 8',
        1,
        _declared(Encoding.PCM, 8),
    ),
    Reading(
        "signed_8",
        "signed 8-bit samples",
        "8-bit samples must be unsigned: add 128 to each, or send 16-bit samples (bit_depth 16)",
        1,
        _signed_8,
    ),
    Reading(
        "pcm_16",
        "16-bit samples",
        'declare encoding "wav/pcm" and bit_depth 16',
        2,
        _declared(Encoding.PCM, 16),
    ),
    Reading(
        "pcm_16_big_endian",
        "big-endian 16-bit samples",
        "swap the two bytes of each sample (little-endian) and declare bit_depth 16",
        2,
        _big_endian_16,
    ),
    Reading(
        "pcm_24",
        "24-bit samples",
        'declare encoding "wav/pcm" and bit_depth 24',
        3,
        _declared(Encoding.PCM, 24),
    ),
    Reading(
        "pcm_32",
        "32-bit integer samples",
        'declare encoding "wav/pcm" and bit_depth 32 (or channels 2, if one of them is silent)',
        4,
        _declared(Encoding.PCM, 32),
    ),
    Reading(
        "float_32",
        "32-bit floating-point samples",
        "floats are not supported: multiply each by 32767, send 16-bit integers and declare"
        " bit_depth 16",
        4,
        _floats("<f4"),
    ),
    Reading(
        "float_64",
        "64-bit floating-point samples",
        "floats are not supported: multiply each by 32767, send 16-bit integers and declare"
        " bit_depth 16",
        8,
        _floats("<f8"),
    ),
    Reading("alaw", "A-law samples", 'declare encoding "wav/alaw"', 1, _declared(Encoding.ALAW)),
    Reading("ulaw", "µ-law samples", 'declare encoding "wav/ulaw"', 1, _declared(Encoding.ULAW)),
)


def declared_name(audio: AudioFormat) -> str:
    """Return the name of the reading that a session declares."""
    if audio.encoding is Encoding.PCM:
        return f"pcm_{audio.bit_depth}"
    return {Encoding.ALAW: "alaw", Encoding.ULAW: "ulaw"}[audio.encoding]


def shifted(audio: AudioFormat) -> tuple[Reading, ...]:
    """Return the declared reading from each byte on that is not the first of a sample."""
    mono = AudioFormat(audio.encoding, audio.bit_depth)

    def decoder(offset: int) -> Callable[[bytes], Values]:
        return lambda data: decode_frames(mono, data[offset : offset - mono.frame_bytes]).ravel()

    return tuple(
        Reading(
            "shifted",
            f"samples that begin {offset} byte{'s' if offset > 1 else ''} late",
            f"send whole samples of {mono.frame_bytes} bytes, and lose none of them",
            mono.frame_bytes,
            decoder(offset),
        )
        for offset in range(1, mono.frame_bytes)
    )


def read(reading: Reading, data: bytes, channels: int) -> Values | None:
    """Return samples shaped [frames, channels], or None if the bytes cannot be in this format."""
    whole = len(data) - len(data) % (reading.width * channels)
    values = reading.decode(data[:whole])
    if values is None:
        return None
    return values[: len(values) - len(values) % channels].reshape(-1, channels)


def roughness(frames: Values) -> tuple[float, float]:
    """Return the energy of steps between neighbours, relative to uncorrelated samples.

    About 0 for slow waves, 1 for noise, 2 for a wave at half the sample rate; infinity for
    silence.

    Returns:
        The mean, and the worst mean of the positions modulo 3 and 4: channels with the same
        content make a wrong reading repeat itself, smooth at some positions and rough at others.
    """
    count = (len(frames) - 1) // _RESIDUES * _RESIDUES
    spread = float(frames.var(axis=0).sum()) if count else 0.0
    if spread < LEAST_LEVEL**2:
        return float("inf"), float("inf")
    steps = np.diff(frames[: count + 1], axis=0)
    energy = np.einsum("ij,ij->i", steps, steps).reshape(-1, _RESIDUES).mean(axis=0)
    worst = max(float(energy.reshape(-1, each).mean(axis=0).max()) for each in (3, 4))
    return float(energy.mean()) / (2 * spread), worst / (2 * spread)


def is_two_sided(frames: Values) -> bool:
    """Whether samples lie on both sides of zero, as those of sound do.

    If wide samples are read one byte late, their top bytes may all be zero. The reading then
    follows the sign of the sound alone, which is smoother than the sound.
    """
    return bool(frames.min(initial=0) < 0 < frames.max(initial=0))


def is_even(frames: Values) -> bool:
    """Whether the energy is spread over several parts of the block.

    Clicks over a hum have nearly all their energy and roughness in a few samples; wrong readings
    follow the hum and are smooth.
    """
    length = len(frames) // _STRETCHES
    stretches = frames[: length * _STRETCHES].reshape(_STRETCHES, -1, frames.shape[1])
    energies = stretches.var(axis=1).sum(axis=1)
    return bool(np.count_nonzero(energies >= _SHARE * energies.mean()) >= _EVEN_STRETCHES)


def has_free_low_part(reading: Reading, data: bytes, declared_width: int) -> bool:
    """Return whether a wider reading's low bytes are noise or zero, as in true wide samples.

    If the declaration is right, they are neighbours of the high bytes or another channel.
    """
    if not reading.name.startswith("pcm_") or reading.width <= declared_width:
        return True
    low_width = reading.width - declared_width
    codes = np.frombuffer(data[: len(data) // reading.width * reading.width], np.uint8)
    codes = codes.reshape(-1, reading.width)
    if reading.name == "pcm_16_big_endian":
        codes = codes[:, ::-1]
    low, high = _signed(codes[:, :low_width]), _signed(codes[:, low_width:])
    spread, uniform = float(low.std()), 256.0**low_width / np.sqrt(12)
    if spread == 0:
        return not low.any()
    if not _NARROWEST_UNIFORM < spread / uniform < _WIDEST_UNIFORM:
        return False
    likeness = float(np.mean((low - low.mean()) * (high - high.mean())))
    return abs(likeness) < _LOW_PART_LIKENESS * spread * float(high.std())


def _signed(codes: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Convert little-endian integers of any width, each a row of bytes."""
    top = codes.shape[1] - 1
    values = codes[:, top].astype(np.int8).astype(np.float64)
    for place in range(top - 1, -1, -1):
        values = values * 256 + codes[:, place]
    return values
