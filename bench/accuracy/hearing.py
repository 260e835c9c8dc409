"""The live path without server, sockets and clock: audio front end, core and engine in-process.

It returns the same texts as a server, as fast as one CPU core can; ``accuracy.server`` compares it
with a real server.
"""

from dataclasses import dataclass

from accuracy.cache import TimedEngine
from accuracy.settings import WHOLE, Setting
from accuracy.sound import Sound
from vivavoce.protocol.messages import Transcript
from vivavoce.recognition.contract import SAMPLE_RATE, DecodeRequest
from vivavoce.session.asking import decode_request
from vivavoce.session.core import Core, CoreConfig
from vivavoce.session.ear import Ear
from vivavoce.session.effects import Decode, Effect, Tell
from vivavoce.session.language import LanguageRules
from vivavoce.speech.silero import VoiceActivity


@dataclass(frozen=True, slots=True)
class Listened:
    """A recording after VAD, the common input of all settings."""

    sound: Sound
    ear: Ear
    probabilities: tuple[list[list[float]], ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """Texts of a recording's finals by channel, and the engine's CPU seconds for them."""

    texts: tuple[tuple[str, ...], ...]
    cpu: float

    @property
    def utterances(self) -> int:
        """Number of finals of all channels."""
        return sum(map(len, self.texts))


def listen(voice_activity: VoiceActivity, sound: Sound) -> Listened:
    """Read a recording and run VAD on it."""
    ear = Ear(sound.format, voice_activity)
    return Listened(sound, ear, (ear.hear(sound.data), ear.finish()))


def hear(engine: TimedEngine, setting: Setting, language: str, listened: Listened) -> Heard:
    """Decode a recording in one of the settings."""
    before = engine.cpu
    if setting == WHOLE:
        texts = _whole(engine, language, listened.sound)
    else:
        texts = _live(engine, setting, language, listened)
    return Heard(texts, engine.cpu - before)


def _whole(engine: TimedEngine, language: str, sound: Sound) -> tuple[tuple[str, ...], ...]:
    """Decode without VAD or cuts; over 20 s the engine itself divides, at a quiet point."""
    requests = (
        DecodeRequest(channel.astype("<f4").tobytes(), "final", language)
        for channel in sound.samples()
    )
    return tuple((engine.decode(request).text,) for request in requests)


def _live(
    engine: TimedEngine, setting: Setting, language: str, listened: Listened
) -> tuple[tuple[str, ...], ...]:
    ear, channels = listened.ear, listened.sound.format.channels
    core = Core(
        CoreConfig(
            "bench",
            channels,
            setting.rules,
            partials=False,
            context=round(setting.context * SAMPLE_RATE),
            languages=LanguageRules((language,)),
        )
    )
    effects: list[Effect] = []
    for probabilities in listened.probabilities:
        effects += core.hear(probabilities, 0)
    effects += core.stop(ear.heard, 0)
    texts: list[list[str]] = [[] for _ in range(channels)]
    for effect in effects:  # grows during iteration
        match effect:
            case Decode():
                effects += core.take(effect, engine.decode(decode_request(ear, effect)), 0)
            case Tell(message=Transcript(data=data)):
                texts[data.utterance.channel].append(data.utterance.text)
            case _:
                pass
    return tuple(map(tuple, texts))
