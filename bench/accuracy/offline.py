"""The live path without server, sockets and clock: ear, core and engine in this process.

    PYTHONPATH=bench python -m accuracy.offline --audio DIR [--context S] [--group G] [--half N]

Gives the texts that a server gives, as fast as one core can, with context and without, and shows
recording by recording what context changes. Settings are tuned on one half of the recordings
(``--half 0``) and reported on the other; which half a recording is in follows from its id.
"""

import argparse
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from speech_corpus import open_engine

from accuracy.compare import Row, half, show, table
from accuracy.corpus import Recording, read_corpus
from accuracy.kept import KeptEngine
from accuracy.options import common
from accuracy.reading import Cuts, cuts, is_written
from accuracy.scoring import count, normalizer, pooled
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
from vivavoce.session.language import LanguageRules
from vivavoce.speech.rules import EndpointingRules
from vivavoce.speech.silero import VoiceActivity


@dataclass(frozen=True, slots=True)
class Way:
    """How recordings are heard; ``context`` in seconds."""

    engine: Engine
    rules: EndpointingRules
    language: str
    context: float


@dataclass(frozen=True, slots=True)
class Ways:
    """The two that are compared; what they hear as speech is the same."""

    voice_activity: VoiceActivity
    with_context: Way
    alone: Way


@dataclass(frozen=True, slots=True)
class Listened:
    """A recording after voice activity: what every way of decoding it begins with."""

    ear: Ear
    channels: int
    probabilities: tuple[list[list[float]], ...]


def listen(voice_activity: VoiceActivity, sound: Sound) -> Listened:
    """Take a recording in."""
    ear = Ear(sound.format, voice_activity)
    return Listened(ear, sound.format.channels, (ear.hear(sound.data), ear.finish()))


def hear(way: Way, listened: Listened) -> tuple[list[Transcript], float]:
    """The finals of a recording, and the CPU seconds of the engine."""
    ear = listened.ear
    config = CoreConfig(
        "offline",
        listened.channels,
        way.rules,
        partials=False,
        context=round(way.context * SAMPLE_RATE),
        languages=LanguageRules((way.language,)),
    )
    core = Core(config)
    effects: list[Effect] = []
    for probabilities in listened.probabilities:
        effects += core.hear(probabilities, 0)
    effects += core.stop(ear.heard, 0)
    finals: list[Transcript] = []
    spent = 0.0
    for effect in effects:  # grows while it is gone through
        match effect:
            case Decode():
                before = _spent(way.engine)
                (hypothesis,) = way.engine.decode([_request(way, ear, effect)])
                spent += _spent(way.engine) - before
                effects += core.take(effect, hypothesis, 0)
            case Tell(message=Transcript() as final):
                finals.append(final)
            case _:
                pass
    return finals, spent


def _spent(engine: Engine) -> float:
    """CPU seconds; of answers that were kept, those that they took when they were found."""
    return engine.cpu if isinstance(engine, KeptEngine) else time.process_time()


def _request(way: Way, ear: Ear, asked: Decode) -> DecodeRequest:
    channel, earlier = asked.channel, asked.earlier
    context = Context()
    if earlier:
        untold = 0 if earlier.untold_from is None else asked.start - earlier.untold_from
        audio = ear.span(channel, earlier.start, asked.start)
        context = Context(audio, earlier.finals, untold)
    return DecodeRequest(
        audio=ear.span(channel, asked.start, asked.end),
        purpose="final",
        language=way.language,
        context=context,
        speech_start=asked.speech_start - asked.start,
    )


def row(way: Way, recording: Recording, listened: Listened) -> Row:
    """Decode a recording and count its errors."""
    finals, cpu = hear(way, listened)
    said = [final.data.utterance for final in finals]
    texts = [
        [each.text for each in said if each.channel == channel]
        for channel in range(len(recording.references))
    ]
    normal = normalizer(way.language, recording.group)
    pairs = list(zip(recording.references, texts, strict=True))
    errors = pooled([count(reference, "".join(text), normal) for reference, text in pairs])
    written = [pair for pair in pairs if is_written(pair[0])]
    read = sum((cuts(reference, text) for reference, text in written), Cuts())
    return Row(recording.id, recording.group, errors.words, errors.wrong, len(said), cpu, read)


def main() -> None:
    """Hear every recording alone and with context."""
    parser = common("accuracy.offline", __doc__ or "")
    parser.add_argument("--context", type=float, default=15, help="seconds; default 15")
    parser.add_argument("--group", action="append", help="only this row of the table")
    parser.add_argument("--kept", type=Path, help="file of answers found before; see accuracy.kept")
    parser.add_argument("--half", type=int, choices=(0, 1), help="only this half")
    options = parser.parse_args()
    recordings = [
        each
        for each in read_corpus(options.audio, options.language, options.skip)
        if (options.group is None or each.group in options.group)
        and (options.half is None or half(each.id) == options.half)
    ]
    with_context, alone = decoded(_ways(options), recordings)
    show(with_context, alone, sum(each.seconds for each in recordings))
    if options.out:
        options.out.write_bytes(table(with_context, alone))


def decoded(ways: Ways, recordings: Iterable[Recording]) -> tuple[list[Row], list[Row]]:
    """Every recording decoded in both ways; voice activity is run once."""
    pairs: list[tuple[Row, Row]] = []
    for each in recordings:
        listened = listen(ways.voice_activity, read_sound(each.path))
        pairs.append((row(ways.with_context, each, listened), row(ways.alone, each, listened)))
    return [ours for ours, _ in pairs], [theirs for _, theirs in pairs]


def _ways(options: argparse.Namespace) -> Ways:
    models = options.models_dir or models_folder()
    voices = Voices(ModelStore(models))
    wanted = InitRequest(language_config=LanguageConfig((options.language,)))
    engine = open_engine(voices.choose(wanted).first, models)
    engine.warm_up()
    if options.kept:
        engine = KeptEngine(engine, options.kept)
    rules = EndpointingRules.from_settings(
        endpointing=options.endpointing,
        maximum_duration=options.maximum_duration,
        speech_threshold=0.6,
    )
    return Ways(
        VoiceActivity(open_graph(voices.voice_activity_model())),
        Way(engine, rules, options.language, options.context),
        Way(engine, rules, options.language, 0),
    )


if __name__ == "__main__":
    main()
