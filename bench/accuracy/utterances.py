"""Finds the utterances of a recording as a live session would, without a server."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vivavoce.audio.intake import Samples
from vivavoce.inference import open_graph
from vivavoce.places import models_folder
from vivavoce.recognition.contract import DecodeRequest, Purpose
from vivavoce.recognition.store import ModelStore
from vivavoce.server.voices import Voices
from vivavoce.speech.endpointing import Endpointer
from vivavoce.speech.events import SpeechStarted, UtteranceEnded
from vivavoce.speech.rules import EndpointingRules
from vivavoce.speech.silero import VoiceActivity, VoiceState

DEFAULT_RULES = EndpointingRules.from_settings(
    endpointing=0.05, maximum_duration=5, speech_threshold=0.6
)
"""Rules of a session with default settings."""


@dataclass(frozen=True, slots=True)
class Span:
    """An utterance: its first sample, the one after its last, and the start of speech."""

    start: int
    end: int
    speech_start: int

    def request(self, audio: Samples, language: str, purpose: Purpose = "final") -> DecodeRequest:
        """Return the decode request that a session would make."""
        samples = audio[self.start : self.end].astype("<f4").tobytes()
        return DecodeRequest(
            samples, purpose, language, speech_start=self.speech_start - self.start
        )


class Utterances:
    """Voice activity and endpointing."""

    def __init__(self, models: Path | None) -> None:
        store = ModelStore(models or models_folder())
        self._hearing = VoiceActivity(open_graph(Voices(store).voice_activity_model()))

    def of(self, audio: Samples, rules: EndpointingRules = DEFAULT_RULES) -> list[Span]:
        """Return the utterances in one channel's samples."""
        probabilities, _ = self._hearing.probabilities(
            VoiceState(), np.ascontiguousarray(audio, np.float32)
        )
        endpointer = Endpointer(rules)
        events = [event for each in probabilities for event in endpointer.hear(float(each))]
        spans: list[Span] = []
        speech_start = 0
        for event in (*events, *endpointer.stop(len(audio))):
            if isinstance(event, SpeechStarted):
                speech_start = event.at
            elif isinstance(event, UtteranceEnded):
                spans.append(Span(event.start, event.end, speech_start))
        return spans
