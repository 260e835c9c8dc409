"""Transcribes the same recordings with a real server: its API, its WebSockets and its results.

Its finals must equal those of ``accuracy.hearing``, regardless of the server's other load.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from accuracy import hearing
from accuracy.corpus import Recording
from accuracy.live import Heard, LiveServer, children_cpu, live_server
from accuracy.progress import progress
from accuracy.settings import Setting
from accuracy.sound import Sound, read_sound

SESSIONS = 3
"""Number of concurrent sessions."""
CROWD = 7
AGAIN = 5
"""Every Nth recording is transcribed twice more: alone, and among many sessions."""


@dataclass(frozen=True, slots=True)
class Check:
    """Result of a check; ``cpu`` is CPU seconds of server and workers per audio second."""

    setting: str
    recordings: int
    again: int
    cpu: float
    faults: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"Through a server, {self.setting}: {self.recordings} recordings, {SESSIONS} at once; "
            f"{self.again} of them again, alone and {CROWD} at once. Faults: {len(self.faults)}. "
            f"CPU s per audio s of the server with its workers: {self.cpu:.3f}\n"
        )


async def check(
    setting: Setting,
    model: str,
    language: str,
    models: Path | None,
    expected: Sequence[tuple[Recording, hearing.Heard]],
) -> Check:
    """Transcribe the recordings with a private server and compare."""
    sounds = [read_sound(recording.path) for recording, _ in expected]
    faults: list[str] = []
    async with live_server(
        language=language,
        endpointing=setting.endpointing,
        maximum_duration=setting.maximum,
        models=models,
        context=setting.context,
        use_models=(model,),
    ) as server:
        await server.hear_all(sounds[:1], 1, lambda _: None)  # loads the model
        before = children_cpu()
        with progress(f"server, {setting.name}", sounds) as done:
            heard = await server.hear_all(sounds, SESSIONS, done)
        cpu = children_cpu() - before
        for (recording, wanted), found in zip(expected, heard, strict=True):
            faults += (f"{recording.id}: {fault}" for fault in found.faults)
            if found.texts(len(wanted.texts)) != wanted.texts:
                faults.append(f"{recording.id}: other finals than without a server")
        again = range(0, len(sounds), AGAIN)
        faults += await _unsteady(
            server,
            [expected[at][0].id for at in again],
            [sounds[at] for at in again],
            [heard[at] for at in again],
        )
    seconds = sum(sound.seconds * sound.format.channels for sound in sounds)
    told = tuple(f"{setting.name}: {fault}" for fault in faults)
    return Check(setting.name, len(sounds), len(again), cpu / seconds, told)


async def _unsteady(
    server: LiveServer, ids: Sequence[str], sounds: Sequence[Sound], heard: Sequence[Heard]
) -> list[str]:
    """Repeat some under other loads; texts, word times, confidences and ids must be equal."""
    found: list[str] = []
    for sessions in (1, CROWD):
        with progress(f"again, {sessions} at once", sounds) as done:
            second = await server.hear_all(sounds, sessions, done)
        found += (
            f"{name}: other finals with {sessions} sessions at once"
            for name, one, other in zip(ids, heard, second, strict=True)
            if one.finals != other.finals
        )
    return found
