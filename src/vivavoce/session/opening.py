"""How a session begins to run: its ear, its core and its runner, new or from a checkpoint."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from vivavoce.journal.port import Journal
from vivavoce.protocol.request import InitRequest
from vivavoce.session.checkpoint import Checkpoint
from vivavoce.session.core import Core, CoreConfig
from vivavoce.session.ear import Ear
from vivavoce.session.live import Live
from vivavoce.session.ports import Clock, Recogniser
from vivavoce.session.runner import Runner, Voice
from vivavoce.speech.endpointing import EndpointingConfig
from vivavoce.speech.silero import VoiceActivity


@dataclass(frozen=True, slots=True)
class Opening:
    """What a runner needs beside its session."""

    journal: Journal
    recogniser: Recogniser
    voice_activity: VoiceActivity
    choose_voice: Callable[[InitRequest], Voice]
    executor: Executor
    wall: Clock
    monotonic: Clock

    def begin(self, live: Live, checkpoint: Checkpoint | None) -> Runner:
        """The runner of a session."""
        core = Core(core_config(live), checkpoint and checkpoint.core)
        return Runner(
            live.id,
            self.choose_voice(live.request),
            core,
            self._ear(live, core, checkpoint),
            journal=self.journal,
            recogniser=self.recogniser,
            executor=self.executor,
            wall=self.wall,
            monotonic=self.monotonic,
            show=live.show,
        )

    def _ear(self, live: Live, core: Core, checkpoint: Checkpoint | None) -> Ear:
        if checkpoint is None:
            return Ear(live.format, self.voice_activity)
        return Ear.resume(
            live.format,
            self.voice_activity,
            header_bytes=checkpoint.header_bytes,
            keep_from=core.settled,
            heard=checkpoint.heard,
            voices=checkpoint.voices,
        )


def core_config(live: Live) -> CoreConfig:
    """What the core must know of a session's request."""
    request = live.request
    return CoreConfig(
        session_id=live.id,
        channels=request.channels,
        endpointing=EndpointingConfig(
            speech_threshold=request.pre_processing.speech_threshold,
            endpointing=request.endpointing,
            maximum_duration=request.maximum_duration_without_endpointing,
        ),
        partials=request.messages_config.receive_partial_transcripts,
    )
