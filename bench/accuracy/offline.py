"""The live path without server, sockets and clock: ear, core and engine in this process.

    PYTHONPATH=bench python -m accuracy.offline --audio DIR [--context S] [--group G] [--half N]

Gives the texts that a server gives, as fast as one core can, with context and without, and shows
recording by recording what context changes. Settings are tuned on one half of the recordings
(``--half 0``) and reported on the other; which half a recording is in follows from its id.
"""

import argparse
import hashlib
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
from speech_corpus import open_engine

from accuracy.corpus import Recording, read_corpus
from accuracy.options import common
from accuracy.scoring import Errors, count, difference_interval, normalizer, pooled
from accuracy.sound import Sound, read_sound
from vivavoce.inference import open_graph
from vivavoce.places import models_folder
from vivavoce.protocol.messages import Transcript
from vivavoce.protocol.request import InitRequest, LanguageConfig
from vivavoce.recognition.contract import SAMPLE_RATE, Context, DecodeRequest, Engine
from vivavoce.recognition.store import ModelStore
from vivavoce.server.voices import Voices
from vivavoce.session.core import Core, CoreConfig
from vivavoce.session.ear import Ear
from vivavoce.session.effects import Decode, Effect, Tell
from vivavoce.speech.rules import EndpointingRules
from vivavoce.speech.silero import VoiceActivity


@dataclass(frozen=True, slots=True)
class Way:
    """How recordings are heard; ``context`` in seconds."""

    engine: Engine
    voice_activity: VoiceActivity
    rules: EndpointingRules
    language: str
    context: float


class Row(msgspec.Struct, frozen=True):
    """A recording: its texts by channel, its errors, and what its finals cost."""

    id: str
    group: str
    texts: tuple[str, ...]
    words: int
    wrong: int
    utterances: int
    cpu: float


def hear(way: Way, sound: Sound) -> tuple[list[Transcript], float]:
    """The finals of a recording, and the CPU seconds of the engine."""
    channels = sound.format.channels
    ear = Ear(sound.format, way.voice_activity)
    config = CoreConfig(
        "offline", channels, way.rules, partials=False, context=round(way.context * SAMPLE_RATE)
    )
    core = Core(config)
    effects: list[Effect] = []
    for listened in (ear.hear(sound.data), ear.finish()):
        effects += core.hear(listened, 0)
    effects += core.stop(ear.heard, 0)
    finals: list[Transcript] = []
    spent = 0.0
    for effect in effects:  # grows while it is gone through
        match effect:
            case Decode():
                before = time.process_time()
                (hypothesis,) = way.engine.decode([_request(way, ear, effect)])
                spent += time.process_time() - before
                effects += core.take(effect, hypothesis, 0)
            case Tell(message=Transcript() as final):
                finals.append(final)
            case _:
                pass
    return finals, spent


def _request(way: Way, ear: Ear, asked: Decode) -> DecodeRequest:
    channel, earlier = asked.channel, asked.earlier
    context = Context()
    if earlier:
        context = Context(ear.span(channel, earlier.start, asked.start), earlier.finals)
    return DecodeRequest(
        audio=ear.span(channel, asked.start, asked.end),
        purpose="final",
        language=way.language,
        context=context,
        speech_start=asked.speech_start - asked.start,
    )


def row(way: Way, recording: Recording) -> Row:
    """Hear a recording and count its errors."""
    finals, cpu = hear(way, read_sound(recording.path))
    said = [final.data.utterance for final in finals]
    texts = tuple(
        " ".join(each.text.strip() for each in said if each.channel == channel)
        for channel in range(len(recording.references))
    )
    normal = normalizer(way.language, recording.group)
    pairs = zip(recording.references, texts, strict=True)
    errors = pooled([count(reference, text, normal) for reference, text in pairs])
    return Row(recording.id, recording.group, texts, errors.words, errors.wrong, len(said), cpu)


def half(recording_id: str) -> int:
    """Which half of the recordings one is in, for tuning (0) or for the report (1)."""
    return hashlib.sha256(recording_id.encode()).digest()[0] % 2


def show(rows: Sequence[Row], other: Sequence[Row], seconds: float) -> None:
    """Print a line for each group, then every recording that context changed."""
    print("| group | recordings | words | alone, % | with context, % | difference | 95 % |")
    print("|---|---|---|---|---|---|---|")
    for group in [*dict.fromkeys(row.group for row in rows), None]:
        pairs = [(a, b) for a, b in zip(rows, other, strict=True) if group in (None, a.group)]
        ours, theirs = [_errors(a) for a, _ in pairs], [_errors(b) for _, b in pairs]
        a, b = pooled(ours), pooled(theirs)
        interval = difference_interval(ours, theirs)
        between = "-" if interval is None else f"{interval[0]:+.1f} to {interval[1]:+.1f}"
        print(f"| {group or '**all**'} | {len(pairs)} | {a.words} | {b.rate:.1f} | {a.rate:.1f} "
              f"| {a.rate - b.rate:+.1f} | {between} |")  # fmt: skip
    costs = [sum(row.cpu for row in each) / seconds for each in (other, rows)]
    print(f"\nCPU s per audio s: alone {costs[0]:.3f}, with context {costs[1]:.3f}")
    _show_scatter(zip(rows, other, strict=True))


def _errors(row: Row) -> Errors:
    return Errors(words=row.words, insertions=row.wrong)


def _show_scatter(pairs: Iterable[tuple[Row, Row]]) -> None:
    changes = [(a.wrong - b.wrong, a, b) for a, b in pairs]
    tally = Counter(change for change, _, _ in changes)
    print("errors more or fewer with context: recordings: " + ", ".join(
        f"{change:+d}: {tally[change]}" for change in sorted(tally)))  # fmt: skip
    for change, a, b in sorted(changes, key=lambda each: each[0]):
        if abs(change) > 1:
            print(f"  {change:+d}  {a.id}  ({b.wrong} -> {a.wrong} of {a.words})")


def main() -> None:
    """Hear every recording alone and with context."""
    parser = common("accuracy.offline", __doc__ or "")
    parser.add_argument("--context", type=float, default=15, help="seconds; default 15")
    parser.add_argument("--group", action="append", help="only this row of the table")
    parser.add_argument("--half", type=int, choices=(0, 1), help="only this half")
    options = parser.parse_args()
    recordings = [
        each
        for each in read_corpus(options.audio, options.language, options.skip)
        if (options.group is None or each.group in options.group)
        and (options.half is None or half(each.id) == options.half)
    ]
    ways = [_way(options, options.context), _way(options, 0)]
    with_context, alone = ([row(way, each) for each in recordings] for way in ways)
    show(with_context, alone, sum(each.seconds for each in recordings))
    if options.out:
        found = {"with context": with_context, "alone": alone}
        options.out.write_bytes(msgspec.json.format(msgspec.json.encode(found)))


def _way(options: argparse.Namespace, context: float) -> Way:
    models = options.models_dir or models_folder()
    voices = Voices(ModelStore(models))
    wanted = InitRequest(language_config=LanguageConfig((options.language,)))
    engine = open_engine(voices.choose(wanted).engine, models)
    engine.warm_up()
    return Way(
        engine,
        VoiceActivity(open_graph(voices.voice_activity_model())),
        EndpointingRules.from_settings(
            endpointing=options.endpointing,
            maximum_duration=options.maximum_duration,
            speech_threshold=0.6,
        ),
        options.language,
        context,
    )


if __name__ == "__main__":
    main()
