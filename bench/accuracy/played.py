"""Runs a live session with partials in this process, and records partials, finals and errors.

Audio arrives in pieces of a tenth of a second, and every request is answered before the next
piece: no partial is skipped, so that partials show more ids than with any real server.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from accuracy.hearing import Listened
from accuracy.settings import Setting
from vivavoce.protocol.messages import ErrorMessage, Transcript
from vivavoce.recognition.contract import SAMPLE_RATE, DecodeRequest, Hypothesis
from vivavoce.session.asking import decode_request
from vivavoce.session.core import Core, CoreConfig, utterance_id
from vivavoce.session.effects import Decode, Effect, Show, Tell
from vivavoce.session.evidence import SPEECH
from vivavoce.session.language import LanguageRules
from vivavoce.speech.rules import WINDOW_SAMPLES

PIECE = 3
"""Windows of 32 ms."""

_ID = re.compile(r"\d\d_\d{8}")

Decoder = Callable[[DecodeRequest], Hypothesis]


@dataclass(slots=True)
class Played:
    """Output of one session.

    Attributes:
        finals: texts by id.
        partials: the last text shown, by id.
        errors: ids named by an error message.
        speech: seconds of detected speech, by id.
    """

    finals: dict[str, str] = field(default_factory=dict)
    partials: dict[str, str] = field(default_factory=dict)
    errors: set[str] = field(default_factory=set)
    speech: dict[str, float] = field(default_factory=dict)

    @property
    def unsettled(self) -> set[str]:
        """Ids shown by a partial that have neither a final nor an error."""
        return self.partials.keys() - self.finals.keys() - self.errors

    @property
    def untold(self) -> float:
        """Seconds of detected speech in utterances without text."""
        return sum(seconds for each, seconds in self.speech.items() if each not in self.finals)


def play(
    final: Decoder, partial: Decoder | None, setting: Setting, language: str, listened: Listened
) -> Played:
    """Transcribe a recording; without a decoder for partials, none are requested."""
    channels = listened.sound.format.channels
    core = Core(
        CoreConfig(
            "bench",
            channels,
            setting.rules,
            partials=partial is not None,
            context=round(setting.context * SAMPLE_RATE),
            languages=LanguageRules((language,)),
        )
    )
    played = Played()
    probabilities = [
        [each for heard in listened.probabilities for each in heard[channel]]
        for channel in range(channels)
    ]

    def answer(effects: Iterable[Effect]) -> None:
        waiting = list(effects)
        for effect in waiting:  # grows during iteration
            match effect:
                case Decode(purpose="final" | "partial"):
                    decode = final if effect.purpose == "final" else partial or final
                    if effect.purpose == "final":
                        heard = probabilities[effect.channel]
                        played.speech[utterance_id(effect)] = _voice(heard, effect)
                    hypothesis = decode(decode_request(listened.ear, effect))
                    waiting += core.take(effect, hypothesis, 0)
                case Show(message=Transcript(data=data)):
                    played.partials[data.id] = data.utterance.text
                case Tell(message=Transcript(data=data)):
                    played.finals[data.id] = data.utterance.text
                case Tell(message=ErrorMessage(data=detail)):
                    played.errors.update(_ID.findall(detail.message))
                case _:
                    pass

    for at in range(0, len(probabilities[0]), PIECE):
        answer(core.hear([heard[at : at + PIECE] for heard in probabilities], 0))
    answer(core.stop(listened.ear.heard, 0))
    return played


def _voice(probabilities: list[float], request: Decode) -> float:
    windows = probabilities[request.start // WINDOW_SAMPLES : -(-request.end // WINDOW_SAMPLES)]
    return sum(each >= SPEECH for each in windows) * WINDOW_SAMPLES / SAMPLE_RATE
