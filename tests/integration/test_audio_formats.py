"""The same real speech in every format of the wire: words, positions, times and the recording."""

import io
from itertools import cycle

import pytest
import soundfile

from integration.speech import BEST, TIMES, Spoken, pieces, spoken, word_error_rate
from integration.wire import Api, Json, acks, session, spoken_through, text
from vivavoce.audio.format import AudioFormat, Encoding
from wav_files import chunk, header

PCM, ALAW, ULAW = Encoding.PCM, Encoding.ALAW, Encoding.ULAW

# Eight bits of linear PCM are noisy, and 8 kHz has no sibilants: a word may be misheard there.
EXACT, BLURRED = 0.0, 0.1

FORMATS = [
    pytest.param(AudioFormat(sample_rate=8000), BLURRED, id="8 kHz"),
    pytest.param(AudioFormat(sample_rate=16000), EXACT, id="16 kHz"),
    pytest.param(AudioFormat(sample_rate=32000), EXACT, id="32 kHz"),
    pytest.param(AudioFormat(sample_rate=44100), EXACT, id="44.1 kHz"),
    pytest.param(AudioFormat(sample_rate=48000), EXACT, id="48 kHz"),
    pytest.param(AudioFormat(bit_depth=8), BLURRED, id="8 bit"),
    pytest.param(AudioFormat(bit_depth=24), EXACT, id="24 bit"),
    pytest.param(AudioFormat(bit_depth=32), EXACT, id="32 bit"),
    pytest.param(AudioFormat(bit_depth=32, sample_rate=48000, channels=2), EXACT, id="studio"),
    pytest.param(AudioFormat(ALAW, 8, 8000), BLURRED, id="A-law"),
    pytest.param(AudioFormat(ULAW, 8, 8000), BLURRED, id="µ-law"),
    pytest.param(AudioFormat(ULAW, 16, 8000), BLURRED, id="µ-law declared as 16 bit"),
    pytest.param(AudioFormat(ALAW, 8, 16000, channels=2), EXACT, id="stereo A-law at 16 kHz"),
    pytest.param(AudioFormat(channels=2), EXACT, id="2 channels"),
    pytest.param(AudioFormat(channels=8), EXACT, id="8 channels"),
]


@pytest.mark.parametrize(("audio", "bound"), FORMATS)
async def test_the_words_are_the_same_in_every_format(
    api: Api, audio: AudioFormat, bound: float
) -> None:
    speech = spoken(TIMES, audio)
    made, line = await spoken_through(api, speech.pieces(), **speech.init)
    assert line.close_code == 1000
    for channel in range(audio.channels):
        assert word_error_rate(speech.words, text(line.heard, channel)) <= bound
    assert_positions(acks(line.heard), speech)
    assert_recording(await api.recording(made.id), speech)
    job = await api.done(made.id)
    assert job["file"]["number_of_channels"] == audio.channels
    assert job["result"]["metadata"]["number_of_distinct_channels"] == audio.channels
    assert job["result"]["metadata"]["audio_duration"] == pytest.approx(speech.seconds, abs=1e-3)


@pytest.mark.parametrize(
    ("size", "audio"),
    [
        (7, AudioFormat(bit_depth=24, sample_rate=8000)),
        (101, AudioFormat()),
        (101, AudioFormat(bit_depth=24, channels=2)),
        (3333, AudioFormat(bit_depth=32, sample_rate=44100, channels=3)),
        (1 << 20, AudioFormat()),
    ],
)
async def test_it_does_not_matter_where_the_audio_is_cut(
    api: Api, size: int, audio: AudioFormat
) -> None:
    speech = spoken(BEST, audio)
    made, line = await spoken_through(api, speech.pieces(size), **speech.init)
    uncut_made, uncut = await spoken_through(api, speech.pieces(1 << 19), **speech.init)
    assert speech.words.split()[0].lower() in text(line.heard).lower()
    assert text(line.heard) == text(uncut.heard)
    assert_positions(acks(line.heard), speech)
    assert await api.recording(made.id) == await api.recording(uncut_made.id)


async def test_binary_and_base64_chunks_may_alternate(api: Api) -> None:
    speech = spoken(TIMES)
    async with session(api, **speech.init) as (made, line):
        for piece, as_text in zip(speech.pieces(3201), cycle((False, True)), strict=False):
            await (line.send_text(piece) if as_text else line.send([piece]))
        await line.stop()
        heard = await line.rest()
    assert word_error_rate(speech.words, text(heard)) == EXACT
    assert_positions(acks(heard), speech)
    assert_recording(await api.recording(made.id), speech)


HEADERS = [
    pytest.param(AudioFormat(), header(AudioFormat()), id="plain"),
    pytest.param(
        AudioFormat(),
        header(AudioFormat(), extensible=True, after=chunk(b"LIST", b"INFOIART odd")),
        id="extensible with tags",
    ),
    pytest.param(AudioFormat(ULAW, 8, 8000), header(AudioFormat(ULAW, 8, 8000)), id="µ-law"),
    pytest.param(
        AudioFormat(bit_depth=24, channels=2),
        header(AudioFormat(bit_depth=24, channels=2), data_size=0xFFFFFFFF),
        id="24 bit stereo of unknown length",
    ),
]


@pytest.mark.parametrize("size", [8000, 5])
@pytest.mark.parametrize(("audio", "head"), HEADERS)
async def test_a_wav_header_counts_as_bytes_and_not_as_time(
    api: Api, audio: AudioFormat, head: bytes, size: int
) -> None:
    plain = spoken(BEST, audio)
    sent = head + plain.audio
    chunks = [*pieces(sent[:100], size), *pieces(sent[100:], 8000)]
    made, line = await spoken_through(api, chunks, **plain.init)
    assert word_error_rate(plain.words, text(line.heard)) <= BLURRED
    found = acks(line.heard)
    assert found[-1]["data"]["byte_range"][1] == len(sent)
    assert found[-1]["data"]["time_range"][1] == pytest.approx(plain.seconds, abs=2e-3)
    if size == 5:
        assert found[0]["data"] == {"byte_range": [0, 5], "time_range": [0, 0]}
    assert_recording(await api.recording(made.id), plain)


async def test_a_header_that_contradicts_the_declaration_is_refused_by_naming_both(
    api: Api,
) -> None:
    speech = spoken(BEST)
    foreign = header(AudioFormat(sample_rate=44100, channels=2))
    async with session(api, **speech.init) as (made, line):
        await line.send([foreign + speech.audio[:8000]])
        refusal = await line.next("audio_chunk")
        await line.send(speech.pieces())
        await line.stop()
        heard = await line.rest()
    assert (refusal["acknowledged"], refusal["data"]) == (False, None)
    assert "44100 Hz, 2 channels" in refusal["error"]["message"]
    assert "16000 Hz, 1 channel" in refusal["error"]["message"]
    assert_positions(acks(heard)[1:], speech)
    assert word_error_rate(speech.words, text(heard)) == EXACT
    assert_recording(await api.recording(made.id), speech)


async def test_a_contradicting_header_in_pieces_is_refused_and_the_session_ends_in_order(
    api: Api,
) -> None:
    foreign = header(AudioFormat(sample_rate=8000))
    async with session(api) as (made, line):
        await line.send(pieces(foreign, 10))
        await line.send(spoken(BEST).pieces())
        await line.stop()
        heard = await line.rest()
    first, refused = acks(heard)[:4], acks(heard)[4:]
    assert [ack["data"]["byte_range"][1] for ack in first] == [10, 20, 30, 40]
    assert "8000 Hz" in refused[0]["error"]["message"]
    assert "16000 Hz" in refused[0]["error"]["message"]
    assert not [ack for ack in refused if ack["acknowledged"]]
    assert (line.close_code, text(heard)) == (1000, "")
    assert (await api.done(made.id))["result"]["metadata"]["audio_duration"] == 0


def assert_positions(found: list[Json], speech: Spoken) -> None:
    """Acknowledgements cover every byte once, and their times follow from the bytes."""
    position, time = 0, 0.0
    for ack in found:
        assert ack["acknowledged"], ack
        assert ack["data"]["byte_range"][0] == position
        assert ack["data"]["time_range"][0] == pytest.approx(time, abs=1e-3)
        position, time = ack["data"]["byte_range"][1], ack["data"]["time_range"][1]
        assert time == pytest.approx(speech.format.seconds(position), abs=1e-3)
    assert position == len(speech.audio)


def assert_recording(recording: bytes, speech: Spoken) -> None:
    """The recording is a WAV file of exactly the samples sent."""
    expected = speech.recording
    info = soundfile.info(io.BytesIO(recording))
    sample_bytes = speech.format.sample_bytes if speech.format.encoding is PCM else 2
    assert info.format in {"WAV", "WAVEX"}
    assert info.subtype == ("PCM_U8" if sample_bytes == 1 else f"PCM_{sample_bytes * 8}")
    assert (info.samplerate, info.channels) == (speech.format.sample_rate, speech.format.channels)
    assert info.frames == len(expected) // (sample_bytes * speech.format.channels)
    begin = recording.index(b"data") + 8
    assert recording[begin : begin + len(expected)] == expected
    assert len(recording) <= begin + len(expected) + 1
