"""The least that a voice can cost: its finals' requests, decoded by the engine alone.

What is decoded follows from the audio and the request alone, so it is found here by the same ear
and core that a server has, without server, sockets and clock.
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
    """What the bare engine spent on one voice's finals. Processor seconds.

    Attributes:
        finals: finals with text, as a client would see them.
        spans: requests, those included that give no text.
        span_seconds: audio of the spans, without their context.
        cpu: the requests as the server makes them, each with the speech before it.
        cpu_without_context: the same spans alone.
        voice_activity_cpu: finding the spans.
    """

    finals: int
    spans: int
    span_seconds: float
    cpu: float
    cpu_without_context: float
    voice_activity_cpu: float


class Parts(msgspec.Struct, frozen=True):
    """What a server hears with; ``context`` in seconds, as in its settings."""

    engine: Engine
    voice_activity: VoiceActivity
    context: float


def bare(parts: Parts, request: InitRequest, voice: Voice) -> Bare:
    """Find the requests of a voice's finals, then decode them once more against the clock."""
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
    """Processor seconds of the engine, one request at a time; the least of some rounds.

    Neighbours on the machine make a processor slower, never faster.
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
    """The requests of all finals, and how many of them have text."""
    language = request.language_config.languages[0]
    core = Core(_config(request, parts.context, language))
    effects: list[Effect] = []
    for probabilities in heard:
        effects += core.hear(probabilities, 0)
    effects += core.stop(ear.heard, 0)
    found: list[DecodeRequest] = []
    finals = 0
    for effect in effects:  # grows while it is gone through
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
