"""The minimum cost of a sample of speech: its finals' requests, decoded by the engine alone.

The decode requests depend only on the audio and the session's request, so they are computed here
with the server's own audio front end and session core, without a server, sockets or a clock.
"""

import time
from collections.abc import Sequence

import msgspec

from vivavoce.load.streams import requested
from vivavoce.load.voice import Voice
from vivavoce.protocol.messages import Transcript
from vivavoce.protocol.request import InitRequest
from vivavoce.recognition.contract import SAMPLE_RATE, Context, DecodeRequest, Engine
from vivavoce.session.asking import decode_request
from vivavoce.session.core import Core, CoreConfig
from vivavoce.session.ear import Ear
from vivavoce.session.effects import Decode, Effect, Tell
from vivavoce.session.language import LanguageRules
from vivavoce.speech.rules import EndpointingRules
from vivavoce.speech.silero import VoiceActivity

ROUNDS = 3


class Bare(msgspec.Struct, frozen=True):
    """Processor seconds that the engine alone spends on one voice's finals.

    Attributes:
        finals: number of finals with text, as a client would see them.
        spans: number of requests, including those that return no text.
        span_seconds: audio of the spans, without their context.
        cpu: for the requests as the server makes them, each with the preceding speech.
        cpu_without_context: for the same spans alone.
        voice_activity_cpu: for voice activity detection, which finds the spans.
    """

    finals: int
    spans: int
    span_seconds: float
    cpu: float
    cpu_without_context: float
    voice_activity_cpu: float


class Parts(msgspec.Struct, frozen=True):
    """The components a server transcribes with; ``context`` in seconds, as in its settings."""

    engine: Engine
    voice_activity: VoiceActivity
    context: float


def bare(parts: Parts, request: InitRequest, voice: Voice) -> Bare:
    """Find the decode requests of a voice's finals, then decode them again to measure the time."""
    before = time.process_time()
    ear = Ear(voice.format, parts.voice_activity)
    probabilities = [ear.hear(voice.audio), ear.finish()]
    listening = time.process_time() - before
    asked, finals = _requests(parts, requested(request, voice), ear, probabilities)
    alone = [msgspec.structs.replace(each, context=Context()) for each in asked]
    return Bare(
        finals=finals,
        spans=len(asked),
        span_seconds=round(sum(len(each.audio) for each in asked) / 4 / SAMPLE_RATE, 2),
        cpu=_cpu(parts.engine, asked),
        cpu_without_context=_cpu(parts.engine, alone),
        voice_activity_cpu=round(listening, 3),
    )


def _cpu(engine: Engine, requests: Sequence[DecodeRequest]) -> float:
    """Return the engine's processor seconds, one request at a time; the minimum of some rounds.

    Other programs on the machine only make a processor slower, never faster.
    """
    return round(min(_round(engine, requests) for _ in range(ROUNDS)), 3)


def _round(engine: Engine, requests: Sequence[DecodeRequest]) -> float:
    before = time.process_time()
    for request in requests:
        engine.decode([request])
    return time.process_time() - before


def _requests(
    parts: Parts, request: InitRequest, ear: Ear, heard: Sequence[Sequence[Sequence[float]]]
) -> tuple[list[DecodeRequest], int]:
    """Return the requests of all finals, and the number of finals with text."""
    language = request.language_config.languages[0]
    core = Core(_config(request, parts.context, language))
    effects: list[Effect] = []
    for probabilities in heard:
        effects += core.hear(probabilities, 0)
    effects += core.stop(ear.heard, 0)
    found: list[DecodeRequest] = []
    finals = 0
    for effect in effects:  # grows during iteration
        match effect:
            case Decode():
                found.append(decode_request(ear, effect))
                (hypothesis,) = parts.engine.decode(found[-1:])
                effects += core.take(effect, hypothesis, 0)
            case Tell(message=Transcript()):
                finals += 1
            case _:
                pass
    return found, finals


def _config(request: InitRequest, context: float, language: str) -> CoreConfig:
    return CoreConfig(
        session_id="bare",
        channels=request.channels,
        endpointing=EndpointingRules.from_settings(
            speech_threshold=request.pre_processing.speech_threshold,
            endpointing=request.endpointing,
            maximum_duration=request.maximum_duration_without_endpointing,
        ),
        partials=False,
        context=round(context * SAMPLE_RATE),
        languages=LanguageRules((language,)),
    )
