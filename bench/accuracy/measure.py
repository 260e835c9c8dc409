"""Both ways over the same recordings, scored: the rows that every table is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from accuracy.bare import hear_whole
from accuracy.corpus import Recording
from accuracy.live import Heard, LiveServer, children_cpu, live_server
from accuracy.progress import progress
from accuracy.scoring import Errors, count, normalizer, pooled
from accuracy.sound import Sound, read_sound


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured, and how.

    Attributes:
        sessions: how many at once.
        repeat_every: every so many recordings is heard twice more, alone and in a larger crowd;
            0 for none.
    """

    recordings: Sequence[Recording]
    language: str
    endpointing: float
    maximum_duration: float
    sessions: int
    repeat_every: int
    models: Path | None


@dataclass(frozen=True, slots=True)
class Row:
    """One recording: its texts by channel, and the errors of both ways over all channels."""

    recording: Recording
    whole: tuple[str, ...]
    live: tuple[str, ...]
    whole_errors: Errors
    live_errors: Errors
    utterances: int
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything found.

    Attributes:
        seconds: of audio, every channel counted.
        engine_cpu: CPU seconds of the engine alone.
        server_cpu: CPU seconds of the server and its workers, for the same recordings.
        repeated: how many recordings were heard again.
    """

    rows: Sequence[Row]
    seconds: float
    engine_cpu: float
    server_cpu: float
    repeated: int

    @property
    def faults(self) -> list[str]:
        """Everything that should not have happened."""
        return [f"{row.recording.id}: {fault}" for row in self.rows for fault in row.faults]


async def measure(plan: Plan) -> Measured:
    """Hear every recording both ways."""
    sounds = [read_sound(recording.path) for recording in plan.recordings]
    with progress("engine alone", sounds) as done:
        whole, engine_cpu = hear_whole(sounds, plan.language, plan.models, done)
    async with live_server(
        language=plan.language,
        endpointing=plan.endpointing,
        maximum_duration=plan.maximum_duration,
        models=plan.models,
    ) as server:
        await server.hear_all(sounds[:1], 1, lambda _: None)  # the first one pays for loading
        before = children_cpu()
        with progress("live", sounds) as done:
            heard = await server.hear_all(sounds, plan.sessions, done)
        server_cpu = children_cpu() - before
        unsteady = await _unsteady(server, sounds, heard, plan)
    rows = [
        _row(plan.language, recording, texts, found, unsteady.get(index, ()))
        for index, (recording, texts, found) in enumerate(
            zip(plan.recordings, whole, heard, strict=True)
        )
    ]
    seconds = sum(sound.seconds * sound.format.channels for sound in sounds)
    return Measured(rows, seconds, engine_cpu, server_cpu, len(unsteady))


async def _unsteady(
    server: LiveServer, sounds: Sequence[Sound], heard: Sequence[Heard], plan: Plan
) -> dict[int, tuple[str, ...]]:
    """Hear some again under other loads; gives what differs, by the recording's place."""
    if not plan.repeat_every:
        return {}
    places = range(0, len(sounds), plan.repeat_every)
    found: dict[int, tuple[str, ...]] = dict.fromkeys(places, ())
    again = [sounds[place] for place in places]
    for sessions in (1, plan.sessions * 2 + 1):
        with progress(f"again, {sessions} at once", again) as done:
            second = await server.hear_all(again, sessions, done)
        for place, other in zip(places, second, strict=True):
            if other.finals != heard[place].finals:
                found[place] += (f"other finals with {sessions} sessions at once",)
    return found


def _row(
    language: str,
    recording: Recording,
    whole: tuple[str, ...],
    heard: Heard,
    unsteady: tuple[str, ...],
) -> Row:
    live = tuple(map(heard.channel_text, range(len(recording.references))))
    normal = normalizer(language, recording.group)

    def errors(texts: Sequence[str]) -> Errors:
        pairs = zip(recording.references, texts, strict=True)
        return pooled([count(reference, text, normal) for reference, text in pairs])

    return Row(
        recording=recording,
        whole=whole,
        live=live,
        whole_errors=errors(whole),
        live_errors=errors(live),
        utterances=len(heard.finals),
        faults=(*heard.faults, *unsteady),
    )
