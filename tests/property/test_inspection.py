"""Inspection takes any bytes in any pieces, and the pieces do not matter."""

from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.audio.chunk_inspection import ChunkInspector
from vivavoce.audio.compressed import compressed
from vivavoce.audio.format import AudioFormat, Encoding
from vivavoce.audio.inspection import SignalInspector

formats = st.builds(
    AudioFormat,
    st.sampled_from(Encoding),
    st.sampled_from([8, 16, 24, 32]),
    st.sampled_from([8_000, 48_000]),
    st.integers(1, 8),
)
seeds = st.binary(min_size=1, max_size=300)
sizes = st.lists(st.integers(1, 20_000), min_size=1, max_size=8)


@settings(deadline=None, max_examples=40)
@given(formats, seeds, sizes)
def test_any_bytes_give_the_same_finding_in_any_pieces(
    audio: AudioFormat, seed: bytes, cuts: list[int]
) -> None:
    whole = seed * (60_000 // len(seed))
    at_once, in_pieces = SignalInspector(audio), SignalInspector(audio)
    at_once.feed(whole)
    at = number = 0
    while at < len(whole):
        size = cuts[number % len(cuts)]
        in_pieces.feed(whole[at : at + size])
        at, number = at + size, number + 1
    assert at_once.take_finding() == in_pieces.take_finding()


@given(formats, st.lists(st.binary(max_size=200), max_size=20), st.floats(0, 1e6))
def test_any_chunks_are_taken(audio: AudioFormat, chunks: list[bytes], now: float) -> None:
    inspector = ChunkInspector(audio, from_start=True)
    for chunk in chunks:
        inspector.inspect(chunk, now)


@given(st.lists(st.sampled_from([b"\xff\xfb\x90\x64", b"\xff\xf1", b"\xff", b"\0"])))
def test_sync_words_without_frames_are_nothing(pieces: list[bytes]) -> None:
    assert compressed(b"".join(pieces) + bytes(6)) is None
