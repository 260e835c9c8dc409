"""E. Audio and acknowledgements: every encoding, and no acks for those who want none."""

import asyncio
import itertools

from conformance.support import ENGLISH, SECOND, mono, run
from integration.speech import BEST, TIMES, spoken, word_error_rate
from integration.wire import Api, of_type, spoken_through, text
from vivavoce.audio.format import AudioFormat, Encoding

KINDS = [(Encoding.PCM, bits) for bits in (8, 16, 24, 32)]
KINDS += [(Encoding.ALAW, 8), (Encoding.ULAW, 8)]
RATES = (8000, 16000, 32000, 44100, 48000)


async def heard(api: Api, audio: AudioFormat) -> str:
    """What is understood of two sentences in a format."""
    clip = spoken(TIMES, audio)
    _, talking = await spoken_through(api, clip.pieces(), **clip.init, **ENGLISH)
    return text(talking.heard)


async def test_079_every_format_gives_the_same_words(api: Api) -> None:
    """8/16/24/32-bit PCM, A-law and µ-law at all five rates give the same words for the same speech."""  # noqa: E501
    formats = [
        AudioFormat(encoding, bits, rate)
        for (encoding, bits), rate in itertools.product(KINDS, RATES)
    ]
    texts = await asyncio.gather(*(heard(api, audio) for audio in formats))
    for audio, found in zip(formats, texts, strict=True):
        assert word_error_rate(TIMES.words, found) == 0, (audio, found)


async def test_080_mu_law_has_eight_bits_whatever_is_declared(api: Api) -> None:
    """µ-law with `bit_depth` 16 is read as 8-bit µ-law."""
    clip = spoken(BEST, AudioFormat(Encoding.ULAW, 8, 8000))
    init = clip.init | {"bit_depth": 16}
    made, talking = await spoken_through(api, clip.pieces(), **init, **ENGLISH)
    assert word_error_rate(BEST.words, text(talking.heard)) == 0
    metadata = (await api.done(made.id))["result"]["metadata"]
    assert metadata["audio_duration"] == round(len(clip.audio) / 8000, 3)


async def test_081_without_the_flag_there_are_no_acks(api: Api) -> None:
    """With acks off by configuration no ack is sent."""
    config = {"receive_acknowledgments": False}
    quiet = await run(api, mono(BEST) + bytes(SECOND), messages_config=config)
    assert not of_type(quiet.messages, "audio_chunk", "stop_recording")
    assert quiet.finals
