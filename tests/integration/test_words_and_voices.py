"""What the real recognisers make of sounds without words, and of words said again and again.

A whole session in this process: voice activity, the session's core and the engine.
"""

import numpy as np
import pytest

from real_models import Floats, pulled, speech_sample
from vivavoce.audio.format import AudioFormat
from vivavoce.inference import open_graph
from vivavoce.protocol.messages import ErrorMessage, Transcript
from vivavoce.recognition.contract import SAMPLE_RATE, DecodeRequest, Engine
from vivavoce.recognition.loading import load_engine
from vivavoce.session.asking import decode_request
from vivavoce.session.core import Core, CoreConfig
from vivavoce.session.ear import Ear
from vivavoce.session.effects import Decode, Effect, Show, Tell
from vivavoce.session.language import LanguageRules
from vivavoce.speech.rules import EndpointingRules
from vivavoce.speech.silero import VoiceActivity

SETTINGS = ((0.05, 5), (0.1, 15), (0.3, 15))
PIECE = 3


@pytest.fixture(scope="module")
def voice_activity() -> VoiceActivity:
    _, folder = pulled("silero-vad-6.2")
    return VoiceActivity(open_graph(next(folder.glob("*.onnx"))))


@pytest.fixture(scope="module", params=["moonshine-tiny-en", "whisper-base"])
def engine(request: pytest.FixtureRequest) -> Engine:
    return load_engine(*pulled(request.param))


class Session:
    """What a client is sent: finals, and ids that were shown or named in errors."""

    def __init__(
        self, engine: Engine, activity: VoiceActivity, sound: Floats, setting: tuple[float, float]
    ) -> None:
        self.finals: list[str] = []
        self.shown: set[str] = set()
        self.settled: set[str] = set()
        endpointing, maximum = setting
        rules = EndpointingRules.from_settings(
            endpointing=endpointing, maximum_duration=maximum, speech_threshold=0.6
        )
        self._engine = engine
        self._ear = Ear(AudioFormat(), activity)
        self._core = Core(
            CoreConfig(
                "s",
                1,
                rules,
                partials=True,
                context=15 * SAMPLE_RATE,
                languages=LanguageRules(("en",)),
            )
        )
        data = np.clip(sound * 32768, -32768, 32767).astype("<i2").tobytes()
        (heard,) = self._ear.hear(data)
        (rest,) = self._ear.finish()
        probabilities = [*heard, *rest]
        for at in range(0, len(probabilities), PIECE):
            self._apply(self._core.hear([probabilities[at : at + PIECE]], 0))
        self._apply(self._core.stop(self._ear.heard, 0))

    @property
    def words(self) -> list[str]:
        spoken = " ".join(self.finals).lower()
        return "".join(c if c.isalnum() else " " for c in spoken).split()

    def _apply(self, effects: list[Effect]) -> None:
        for effect in effects:  # grows while it is gone through
            match effect:
                case Decode():
                    (answer,) = self._engine.decode([decode_request(self._ear, effect)])
                    effects += self._core.take(effect, answer, 0)
                case Show(message=Transcript(data=data)):
                    self.shown.add(data.id)
                case Tell(message=Transcript(data=data)):
                    self.finals.append(data.utterance.text)
                    self.settled.add(data.id)
                case Tell(message=ErrorMessage(data=detail)):
                    self.settled |= {each for each in self.shown if each in detail.message}
                case _:
                    pass


def hum(mains: int, harmonics: int, level: float) -> Floats:
    time = np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE
    tones = [np.sin(2 * np.pi * mains * k * time + k) / k for k in range(1, harmonics + 1)]
    sound: Floats = (level * np.sum(tones, axis=0)).astype(np.float32)
    return sound


def blip(seconds: float, pitch: float) -> Floats:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tones = np.sum([np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 15)], axis=0)
    sound = 0.12 * tones * np.hanning(len(time))
    return np.pad(sound, (8000, 16_000)).astype(np.float32)


SOUNDS = {
    "hum of 50 Hz": hum(50, 20, 0.1),
    "hum of 60 Hz": hum(60, 40, 0.03),
    "a blip": blip(0.06, 110),
    "a longer blip": blip(0.16, 180),
    "noise": np.random.default_rng(1).normal(0, 0.05, 4 * SAMPLE_RATE).astype(np.float32),
}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", SOUNDS)
def test_no_words_are_made_of_sounds(
    engine: Engine, voice_activity: VoiceActivity, name: str, setting: tuple[float, float]
) -> None:
    session = Session(engine, voice_activity, SOUNDS[name], setting)
    assert session.finals == []
    assert session.shown <= session.settled


@pytest.fixture(scope="module")
def worst() -> Floats:
    """One word, as the reader of the first sentence says it."""
    audio = speech_sample("two_cities.wav")
    recogniser = load_engine(*pulled("moonshine-tiny-en"))
    request = DecodeRequest(audio[: 5 * SAMPLE_RATE].astype("<f4").tobytes(), "final", "en")
    (heard,) = recogniser.decode([request])
    word = next(each for each in heard.words if "worst" in each.text)
    return audio[word.start - 800 : word.end + 800]


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("times", [4, 8])
@pytest.mark.parametrize("gap", [0.15, 0.5])
def test_a_word_said_again_and_again_is_there_as_often(
    engine: Engine,
    voice_activity: VoiceActivity,
    worst: Floats,
    setting: tuple[float, float],
    times: int,
    gap: float,
) -> None:
    quiet = np.random.default_rng(0).normal(0, 1e-4, round(gap * SAMPLE_RATE)).astype(np.float32)
    sound = np.concatenate([quiet, quiet, *[part for _ in range(times) for part in (worst, quiet)]])
    session = Session(engine, voice_activity, sound, setting)
    assert session.shown <= session.settled
    said = [word for word in session.words if word != "the"]  # the end of it is in the cut
    assert abs(len(said) - times) <= times // 4, session.finals


@pytest.mark.parametrize("setting", SETTINGS)
def test_read_speech_keeps_its_words(
    engine: Engine, voice_activity: VoiceActivity, setting: tuple[float, float]
) -> None:
    beginning = speech_sample("two_cities.wav")[: 17 * SAMPLE_RATE]
    session = Session(engine, voice_activity, beginning, setting)
    assert session.shown <= session.settled
    for word in ("best", "worst", "wisdom", "foolishness", "belief", "incredulity", "light"):
        assert word in session.words
