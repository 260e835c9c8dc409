"""Compares three speakers on one WebSocket with each speaker alone.

    PYTHONPATH=bench python -m accuracy.channels --audio DIR [--triples 6]

Recordings of three different readers are put on three channels, each a second after the previous
one, with silence around. Errors are compared with those of the recording in its own session, and
each channel must return exactly what the same samples return in their own session. Exits with 1
if one does not, or if an id or a channel number is wrong.
"""

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
import numpy as np

from accuracy.corpus import CorpusError, Recording, read_corpus
from accuracy.live import Heard, live_server
from accuracy.options import common
from accuracy.progress import progress
from accuracy.scoring import Errors, count, normalizer, pooled
from accuracy.sound import Sound, read_sound
from vivavoce.protocol.messages import TranscriptData

CHANNELS = 3
GROUPS = ("read", "telephone band")
LEAST_SECONDS = 3.0
SAMPLE_BITS = 16
STEP_SECONDS = 0.96
"""A whole number of VAD windows, so that a recording's windows are the same as when alone."""
SESSIONS = 3


@dataclass(frozen=True, slots=True)
class Voice:
    """One channel: its recording, the errors alone and on the channel, and failures."""

    recording: str
    channel: int
    alone: Errors
    together: Errors
    faults: tuple[str, ...]


def triples(recordings: Sequence[Recording], most: int) -> Iterator[tuple[Recording, ...]]:
    """Choose distinct recordings of three different speakers of a group, limited per group."""
    for group in GROUPS:
        left = [
            each
            for each in recordings
            if each.group == group and each.seconds >= LEAST_SECONDS and len(each.references) == 1
        ]
        for _ in range(most):
            by_speaker = {each.speakers: each for each in reversed(left)}
            chosen = tuple(by_speaker.values())[-CHANNELS:]
            if len(chosen) < CHANNELS:
                break
            yield chosen
            left = [each for each in left if each not in chosen]


def together(sounds: Sequence[Sound]) -> tuple[Sound, list[Sound]]:
    """Put sounds on separate channels, each a second later; return it and each channel alone.

    Raises:
        CorpusError: they are not all of one rate, or not 16 bit.
    """
    own = sounds[0].format
    if any(sound.format != own for sound in sounds) or own.bit_depth != SAMPLE_BITS:
        raise CorpusError("one socket wants recordings of one sample rate, 16 bit and mono")
    rate = own.sample_rate
    starts = [round(rate * STEP_SECONDS) * index for index in range(len(sounds))]
    samples = [np.frombuffer(sound.data, "<i2") for sound in sounds]
    length = max(start + len(each) for start, each in zip(starts, samples, strict=True)) + rate
    laid = np.zeros((length, len(sounds)), "<i2")
    for channel, (start, each) in enumerate(zip(starts, samples, strict=True)):
        laid[start : start + len(each), channel] = each
    shared = Sound(msgspec.structs.replace(own, channels=len(sounds)), laid.tobytes())
    return shared, [Sound(own, np.ascontiguousarray(channel).tobytes()) for channel in laid.T]


def number_faults(finals: Sequence[TranscriptData]) -> list[str]:
    """Check that ids consist of the right channel and an increasing number."""
    faults = []
    last: dict[int, int] = {}
    for final in finals:
        channel, number = map(int, final.id.split("_"))
        if channel != final.utterance.channel or number <= last.get(channel, -1):
            faults.append(f"id {final.id} on channel {final.utterance.channel}")
        last[channel] = number
    return faults


def on_channel(finals: Sequence[TranscriptData], channel: int) -> list[TranscriptData]:
    """Return the finals of one channel as they would be in a separate session."""
    return [
        msgspec.structs.replace(
            final,
            id=f"00_{final.id.split('_')[1]}",
            utterance=msgspec.structs.replace(final.utterance, channel=0),
        )
        for final in finals
        if final.utterance.channel == channel
    ]


def judge(
    triple: Sequence[Recording],
    shared: Heard,
    same: Sequence[Heard],
    alone: Sequence[Heard],
    language: str,
) -> Iterator[Voice]:
    """Compare the channels of one WebSocket with separate sessions."""
    for channel, recording in enumerate(triple):
        normal = normalizer(language, recording.group)
        faults = [*shared.faults, *same[channel].faults, *alone[channel].faults]
        faults += number_faults(shared.finals)
        if on_channel(shared.finals, channel) != list(same[channel].finals):
            faults.append("the channel gave other finals than the same samples alone")
        reference = recording.references[0]
        yield Voice(
            recording=recording.id,
            channel=channel,
            alone=count(reference, alone[channel].text, normal),
            together=count(reference, shared.channel_text(channel), normal),
            faults=tuple(faults),
        )


async def measure(
    chosen: Sequence[tuple[Recording, ...]],
    language: str,
    endpointing: float,
    maximum_duration: float,
    models: Path | None,
) -> list[list[Voice]]:
    """Transcribe every triple on one WebSocket, each channel alone and each recording alone."""
    sounds: list[Sound] = []
    for triple in chosen:
        own = [read_sound(recording.path) for recording in triple]
        shared, channels = together(own)
        sounds += [shared, *channels, *own]
    async with live_server(
        language=language,
        endpointing=endpointing,
        maximum_duration=maximum_duration,
        models=models,
    ) as server:
        with progress("channels", sounds) as done:
            heard = await server.hear_all(sounds, SESSIONS, done)
    size = 1 + 2 * CHANNELS
    parts = [heard[at : at + size] for at in range(0, len(heard), size)]
    return [
        list(judge(triple, part[0], part[1 : 1 + CHANNELS], part[1 + CHANNELS :], language))
        for triple, part in zip(chosen, parts, strict=True)
    ]


def markdown(judged: Sequence[Sequence[Voice]]) -> str:
    """Format a row for each channel, and one for all."""
    lines = [
        "| socket | channel | recording | words | alone, % | on its channel, % | difference |",
        "|---|---|---|---|---|---|---|",
    ]
    for socket, voices in enumerate(judged, 1):
        for voice in voices:
            head = f"| {socket} | {voice.channel} | {voice.recording} "
            lines.append(head + _rates(voice.alone, voice.together))
    every = [voice for voices in judged for voice in voices]
    sums = [pooled([v.alone for v in every]), pooled([v.together for v in every])]
    lines.append("| **all** | | " + _rates(*sums))
    return "\n".join(lines)


def _rates(alone: Errors, together: Errors) -> str:
    change = together.rate - alone.rate
    return f"| {alone.words} | {alone.rate:.1f} | {together.rate:.1f} | {change:+.1f} |"


def main() -> None:
    """Print the table, and write JSON if requested."""
    parser = common("accuracy.channels", __doc__ or "")
    parser.add_argument("--endpointing", type=float, default=0.3, help="seconds; default 0.3")
    parser.add_argument("--maximum-duration", type=float, default=15, help="seconds; default 15")
    parser.add_argument("--out", type=Path, help="write everything found here, as JSON")
    parser.add_argument("--triples", type=int, default=6, help="sockets per group; default 6")
    options = parser.parse_args()
    try:
        chosen = list(
            triples(read_corpus(options.audio, options.language, options.skip), options.triples)
        )
    except CorpusError as error:
        parser.error(str(error))
    if not chosen:
        parser.error(f"no three speakers in one of the groups {', '.join(GROUPS)}")
    try:
        judged = asyncio.run(
            measure(
                chosen,
                options.language,
                options.endpointing,
                options.maximum_duration,
                options.models_dir,
            )
        )
    except CorpusError as error:
        parser.error(str(error))
    print(markdown(judged))
    if options.out:
        rows = [[asdict(voice) for voice in voices] for voices in judged]
        options.out.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    faults = [f"{v.recording}: {fault}" for voices in judged for v in voices for fault in v.faults]
    sys.exit("\n".join(faults) or None)


if __name__ == "__main__":
    main()
