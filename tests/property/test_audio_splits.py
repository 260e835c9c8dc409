"""However a session's bytes are split, what is heard and what is recorded is the same."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.audio.format import AudioFormat, Encoding
from vivavoce.audio.intake import Intake, Samples
from vivavoce.audio.recording import RecordingWriter
from vivavoce.audio.wav_header import AudioFormatError, HeaderReader, inspect_header
from wav_files import chunk, header

FORMATS = st.builds(
    AudioFormat,
    encoding=st.sampled_from(Encoding),
    bit_depth=st.sampled_from([8, 16, 24, 32]),
    sample_rate=st.sampled_from([8_000, 16_000, 32_000, 44_100, 48_000]),
    channels=st.integers(1, 8),
)
SEEDS = st.integers(0, 2**32 - 1)


def random_bytes(seed: int, size: int) -> bytes:
    return np.random.default_rng(seed).bytes(size)


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


def hear(intake: Intake, chunks: list[bytes]) -> Samples:
    heard = [intake.feed(piece) for piece in chunks]
    return np.concatenate([*heard, intake.finish()], axis=1)


@st.composite
def sessions(draw: st.DrawFn) -> tuple[AudioFormat, bytes, list[bytes]]:
    """A format, a session's bytes (with a header or none), and the same bytes split anyhow."""
    audio = draw(FORMATS)
    lead = header(audio) if draw(st.booleans()) else b""
    data = lead + random_bytes(draw(SEEDS), draw(st.integers(0, 5_000)))
    cuts = draw(st.lists(st.integers(0, 5_000), max_size=12))
    return audio, data, split(data, cuts)


@given(sessions())
def test_any_split_of_any_format_is_heard_as_the_whole(
    session: tuple[AudioFormat, bytes, list[bytes]],
) -> None:
    audio, data, chunks = session
    assert np.array_equal(hear(Intake(audio), chunks), hear(Intake(audio), [data]))


@given(sessions())
def test_any_split_of_any_format_is_recorded_as_the_whole(
    session: tuple[AudioFormat, bytes, list[bytes]],
) -> None:
    audio, data, chunks = session
    whole, pieces = (RecordingWriter(audio, len(data)) for _ in range(2))
    written = b"".join(pieces.feed(piece) for piece in chunks) + pieces.finish()
    assert written == whole.feed(data) + whole.finish()


@settings(max_examples=15, deadline=None)
@given(
    audio=FORMATS.filter(lambda audio: audio.channels <= 2),
    sample=st.integers(0, 16_000 * 21),
    stop=st.integers(0, 100),
    cuts=st.lists(st.integers(0, 2_000_000), max_size=6),
    seed=SEEDS,
)
def test_an_intake_resumed_anywhere_hears_what_the_first_would_have(
    audio: AudioFormat, sample: int, stop: int, cuts: list[int], seed: int
) -> None:
    seconds = 21 + stop / 101
    data = header(audio) + random_bytes(seed, int(seconds * audio.sample_rate) * audio.frame_bytes)
    first = Intake(audio)
    whole = hear(first, [data])
    resumed = Intake.resume(audio, header_bytes=first.header_bytes, sample=sample)
    again = hear(resumed, split(data[resumed.position :], cuts))
    assert np.array_equal(again, whole[:, sample:])
    assert (resumed.position, resumed.sample) == (first.position, first.sample)


JUNK_CHUNKS = st.lists(
    st.builds(
        chunk,
        st.sampled_from([b"LIST", b"JUNK", b"fact", b"bext", b"id3 "]),
        st.binary(max_size=40),
    ),
    max_size=4,
).map(b"".join)


@st.composite
def headers(draw: st.DrawFn) -> tuple[AudioFormat, bytes]:
    audio = draw(FORMATS)
    head = header(
        audio,
        before=draw(JUNK_CHUNKS),
        after=draw(JUNK_CHUNKS),
        extensible=draw(st.booleans()),
        data_size=draw(st.sampled_from([0, 100, 0xFFFFFFFF])),
    )
    return audio, head


@given(
    headed=headers(),
    tail=st.binary(max_size=40),
    cuts=st.lists(st.integers(0, 400), max_size=20),
)
def test_a_header_split_anywhere_is_found_whole(
    headed: tuple[AudioFormat, bytes], tail: bytes, cuts: list[int]
) -> None:
    audio, head = headed
    reader = HeaderReader(audio)
    released = [reader.feed(piece) for piece in split(head + tail, cuts)]
    assert b"".join(released) == tail
    assert reader.size == len(head)


@given(data=st.binary(max_size=200), cuts=st.lists(st.integers(0, 200), max_size=8))
def test_raw_audio_passes_unharmed(data: bytes, cuts: list[int]) -> None:
    reader = HeaderReader(AudioFormat())
    pieces = [reader.feed(piece) for piece in split(data, cuts)]
    assert b"".join(pieces) + reader.finish() == data


@given(tail=st.binary(max_size=300))
def test_no_bytes_after_a_wave_preamble_do_worse_than_a_clear_error(tail: bytes) -> None:
    data = b"RIFF\0\0\0\0WAVE" + tail
    try:
        found = inspect_header(data)
    except AudioFormatError:
        return
    assert found is None or found.size <= len(data)
