"""Wrong declarations are found in a voice that is made here; true ones never, whatever sounds."""

import io

import numpy as np
import pytest
import soundfile
from suspicious_audio import FORMATS, SENT, Floats, declared_as, encoded, found_in, interleaved

from vivavoce.audio.format import AudioFormat
from vivavoce.audio.inspection import SignalInspector

RATE = 16_000
SECONDS = 4
NOISE = np.random.default_rng(15)
TIME = np.arange(SECONDS * RATE) / RATE


def voice() -> Floats:
    """Harmonics of a gliding pitch in syllables, over a soft noise."""
    pitch = 130 + 30 * np.sin(2 * np.pi * 0.7 * TIME)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    parts = np.arange(1, 20)[:, np.newaxis]
    tones = (np.sin(parts * phase) / parts**1.5).sum(axis=0)
    syllables = np.clip(np.sin(2 * np.pi * 2.5 * TIME) + 0.3, 0, 1)
    sound: Floats = 0.2 * tones * syllables + NOISE.normal(0, 0.003, len(TIME))
    return sound


VOICE = voice()
KNOCKS = np.where(np.arange(len(VOICE)) % 1_000 < 100, NOISE.normal(0, 0.05, len(VOICE)), 0)
HUM = 0.005 * np.sin(2 * np.pi * 30 * TIME)
PULSES = (np.arange(len(TIME)) % 400 == 0) * 0.9
SIGNALS = (
    {
        "silence": 0 * TIME,
        "DC": 0 * TIME + 0.3,
        "least DC": 0 * TIME + 1 / 32768,
        "float-like DC": 0 * TIME + 0x3C00 / 32768,
        "white noise": NOISE.normal(0, 0.1, len(TIME)),
        "loud noise": NOISE.uniform(-1, 1 - 2**-15, len(TIME)),
        "faint noise": NOISE.normal(0, 2 / 32768, len(TIME)),
        "brown noise": np.cumsum(NOISE.normal(0, 0.001, len(TIME))) % 0.5,
        "clipped voice": np.clip(8 * VOICE, -1, 1 - 2**-15),
        "faint voice": 0.003 * VOICE,
        "clicks": PULSES,
        "knocks over a hum": np.round((HUM + KNOCKS) * 32_768) / 32_768,
        "sweep": 0.5 * np.sin(2 * np.pi * (20 + 650 * TIME) * TIME),
        "voice": VOICE,
        "half-sample tone": 0.5 * np.cos(np.pi * np.arange(len(TIME))),
        "voice and half-sample tone": VOICE + 0.05 * np.cos(np.pi * np.arange(len(TIME))),
        "held samples": np.repeat(VOICE[::2], 2),
    }
    | {
        f"tone of {frequency} Hz at {level}": level * np.sin(2 * np.pi * frequency * TIME)
        for frequency in (50, 440, 1_000, 2_000, 4_000, 5_333, 7_000, 7_900, 7_999)
        for level in (0.9, 0.02)
    }
    | {
        f"square of {frequency} Hz": 0.4 * np.sign(np.sin(2 * np.pi * frequency * TIME + 0.1))
        for frequency in (100, 1_000, 4_000)
    }
)


@pytest.mark.parametrize("signal", SIGNALS)
def test_nothing_is_found_in_audio_that_is_what_it_is_declared_to_be(signal: str) -> None:
    sound = SIGNALS[signal]
    cases = [(1, "same", name) for name in (*FORMATS, "pcm_32 of 16 bits")]
    for kind in ("same", "silent", "other"):
        cases += [(2, kind, name) for name in ("pcm_8", "pcm_16", "pcm_24", "pcm_32", "ulaw")]
    for channels, kind, name in [*cases, (5, "quieter", "pcm_16")]:
        declared = declared_as(name.removesuffix(" of 16 bits"), RATE, channels)
        finding, _ = found_in(encoded(name, interleaved(sound, channels, kind)), declared)
        assert finding is None, (name, channels, kind, finding)


@pytest.mark.parametrize("sent", SENT)
@pytest.mark.parametrize("declared", FORMATS)
def test_another_format_is_named(sent: str, declared: str) -> None:
    if sent.split(" ", maxsplit=1)[0] == declared:
        return
    finding, after = found_in(encoded(sent, 2 * VOICE), declared_as(declared, RATE, 1))
    assert finding is not None
    assert finding.kind == "format"
    expected = {
        "signed_8": "signed 8-bit",
        "pcm_8": "unsigned 8-bit",
        "pcm_16": "like 16-bit",
        "pcm_16_big_endian": "big-endian 16-bit",
        "pcm_24": "24-bit",
        "pcm_32": "32-bit integer",
        "float_32": "32-bit floating-point",
        "float_64": "64-bit floating-point",
        "alaw": "A-law",
        "ulaw": "µ-law",
    }[sent.split(" ", maxsplit=1)[0]]
    assert expected in finding.text
    assert "bit_depth" in finding.text or "encoding" in finding.text
    assert after < SECONDS


@pytest.mark.parametrize("name", ["pcm_16", "pcm_24", "pcm_32"])
def test_a_lost_byte_is_found_at_the_start_and_later(name: str) -> None:
    declared = declared_as(name, RATE, 1)
    whole = encoded(name, VOICE + NOISE.uniform(-1, 1, len(VOICE)) * 2**-15)
    finding, _ = found_in(whole[1:], declared)
    assert finding is not None
    assert finding.kind == "shifted"
    finding, after = found_in(whole * 3 + (whole * 20)[1:], declared)
    assert finding is not None
    assert finding.kind == "shifted"
    assert 3 * SECONDS < after < 3 * SECONDS + 40


def test_silence_is_looked_at_once_a_second_and_what_follows_is_still_inspected() -> None:
    inspector = SignalInspector(AudioFormat())
    looked = []
    plain = inspector._is_still  # noqa: SLF001  the one call of every look

    def counting(data: bytes) -> bool:
        looked.append(len(data))
        return plain(data)

    inspector._is_still = counting  # noqa: SLF001
    inspector.feed(encoded("pcm_16", 0 * TIME) * 15)
    assert 60 <= len(looked) <= 70
    inspector.feed(encoded("pcm_16_big_endian", VOICE))
    finding = inspector.take_finding()
    assert finding is not None
    assert "big-endian" in finding.text


def test_a_changed_byte_order_is_told_from_a_lost_byte() -> None:
    finding, _ = found_in(encoded("pcm_16_big_endian", VOICE), AudioFormat())
    assert finding is not None
    assert "big-endian" in finding.text


@pytest.mark.parametrize("kind", ["other", "silent", "quieter"])
def test_two_channels_in_a_session_of_one_are_found(kind: str) -> None:
    finding, _ = found_in(encoded("pcm_16", interleaved(VOICE, 2, kind)), AudioFormat())
    assert finding is not None
    assert "channels 2" in finding.text


def test_one_channel_in_a_session_of_two_is_found() -> None:
    finding, _ = found_in(encoded("pcm_16", VOICE), AudioFormat(channels=2))
    assert finding is not None
    assert "channels 1" in finding.text


@pytest.mark.parametrize(
    ("container", "subtype", "name"),
    [("MP3", "MPEG_LAYER_III", "MPEG"), ("OGG", "OPUS", "Ogg"), ("OGG", "VORBIS", "Ogg")],
)
def test_compressed_audio_is_found_though_its_beginning_is_missing(
    container: str, subtype: str, name: str
) -> None:
    file = io.BytesIO()
    soundfile.write(file, np.tile(VOICE, 4), 48_000, format=container, subtype=subtype)
    finding, _ = found_in(file.getvalue()[1_000:], AudioFormat())
    assert finding is not None
    assert finding.kind == "compressed"
    assert name in finding.text


def test_pieces_of_any_size_give_the_same_finding() -> None:
    audio = encoded("float_32", VOICE)
    findings = set()
    for size in (1_001, 3_200, len(audio)):
        inspector = SignalInspector(AudioFormat())
        for at in range(0, len(audio), size):
            inspector.feed(audio[at : at + size])
        findings.add(inspector.take_finding())
        assert inspector.take_finding() is None
    assert len(findings) == 1
    assert findings != {None}
