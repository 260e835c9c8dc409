"""Factory of runners: creates the audio front end, core and runner of a session."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from vivavoce.protocol.request import InitRequest
from vivavoce.recognition.contract import SAMPLE_RATE
from vivavoce.session.checkpoint import Checkpoint
from vivavoce.session.context import bound
from vivavoce.session.core import Core, CoreConfig
from vivavoce.session.ear import Ear
from vivavoce.session.language import LanguageRules
from vivavoce.session.live import Live
from vivavoce.session.ports import Outside
from vivavoce.session.runner import Runner, Voice
from vivavoce.speech.rules import EndpointingRules
from vivavoce.speech.silero import VoiceActivity


@dataclass(frozen=True, slots=True)
class Opening:
    """Creates runners from dependencies and settings that all sessions share.

    ``context_seconds`` is the maximum length of an utterance together with its context;
    ``foresee`` enables speculative finals, requested as soon as their utterances may have ended.
    """

    outside: Outside
    voice_activity: VoiceActivity
    choose_voice: Callable[[InitRequest], Voice]
    context_seconds: float = 0.0
    foresee: bool = True

    def begin(self, live: Live, checkpoint: Checkpoint | None) -> Runner:
        """Return the runner of a session, new or resumed from a checkpoint."""
        voice = self.choose_voice(live.request)
        config = core_config(live, voice.rules, self.context_seconds)
        if not config.partials:
            voice = voice.with_one_engine()
        config = msgspec.structs.replace(config, foresee=self.foresee)
        core = Core(config, checkpoint.core if checkpoint else None)
        ear = self._ear(live, core, checkpoint)
        return Runner(live.id, voice, core, ear, self.outside, live)

    def _ear(self, live: Live, core: Core, checkpoint: Checkpoint | None) -> Ear:
        if checkpoint is None:
            return Ear(live.format, self.voice_activity)
        return Ear.resume(
            live.format,
            self.voice_activity,
            header_bytes=checkpoint.header_bytes,
            keep_from=core.kept_from,
            heard=checkpoint.heard,
            voices=checkpoint.voices,
        )


def core_config(live: Live, languages: LanguageRules, context_seconds: float) -> CoreConfig:
    """Return the core's configuration for a session's request."""
    request = live.request
    return CoreConfig(
        session_id=live.id,
        channels=request.channels,
        endpointing=EndpointingRules.from_settings(
            speech_threshold=request.pre_processing.speech_threshold,
            endpointing=request.endpointing,
            maximum_duration=request.maximum_duration_without_endpointing,
        ),
        partials=(
            request.messages_config.receive_partial_transcripts or live.herald.wants_partials
        ),
        context=round(bound(context_seconds, request.endpointing) * SAMPLE_RATE),
        languages=languages,
        stability=request.messages_config.mark_stable_words is True,
    )
