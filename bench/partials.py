"""Compares the cost and benefit of policies for partials, in virtual time, without a server.

    PYTHONPATH=bench python bench/partials.py --audio DIR [--seconds 30] [--count 2] [--policy P]

Audio front end, session core and engine are the real ones. Chunks of 100 ms arrive at speaking
pace, one worker decodes, and a decode takes the CPU time that it really took, or, with
``--nominal`` (the seconds that three seconds of speech take on this machine without other load),
that time corrected for the current load. Finals are the same in every row and decoded once. The
last table shows the cost of partials in batches, if the engine supports them. The figures are
those of ``vivavoce.load.latency``, and:

- contradicted: share of the words last shown that the final does not begin with;
- stable: share of all words that were stable before the final; broken: changed by a partial
  (must be 0); refuted: share of the stable words that the final does not begin with;
- age: time from a word's end until it is stable.
"""

import argparse
import hashlib
import heapq
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from accuracy.corpus import Recording, read_corpus
from accuracy.sound import Sound, read_sound
from partial_policies import POLICIES, Policy
from speech_corpus import open_engine

from vivavoce.inference import open_graph
from vivavoce.load.figures import Spread, spread
from vivavoce.load.latency import Latencies, latencies
from vivavoce.load.log import Seen, StreamLog
from vivavoce.places import models_folder
from vivavoce.protocol.messages import SpeechEnd, Transcript
from vivavoce.recognition.contract import (
    SAMPLE_RATE,
    Context,
    DecodeRequest,
    Engine,
    Hypothesis,
    SpokenWord,
)
from vivavoce.recognition.store import ModelStore
from vivavoce.server.voices import Voices
from vivavoce.session.asking import decode_request
from vivavoce.session.core import Core, CoreConfig
from vivavoce.session.display import View, common, followed
from vivavoce.session.ear import Ear
from vivavoce.session.effects import Decode, Effect, Show, Tell
from vivavoce.session.language import LanguageRules
from vivavoce.speech.rules import EndpointingRules
from vivavoce.speech.silero import VoiceActivity

SAMPLE_SECONDS = 3

BATCH = 4

COST = 160
"""Number of partials used to measure batches."""


@dataclass(slots=True)
class Tally:
    """Results of one policy."""

    seconds: float = 0.0
    latencies: Latencies = field(default_factory=Latencies)
    cpu: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    last_shown: int = 0
    contradicted: int = 0
    stable: int = 0
    broken: int = 0
    refuted: int = 0
    ages: list[float] = field(default_factory=list)


class Bare:
    """An engine whose decodes take as long as on a machine without other load."""

    def __init__(self, engine: Engine, sample: bytes, nominal: float | None) -> None:
        self._engine = engine
        self._finals: dict[bytes, tuple[Hypothesis, float]] = {}
        self.partials: list[DecodeRequest] = []
        self._sample = DecodeRequest(sample, "final", "en")
        self._nominal = nominal
        self._recent: list[float] = []
        self._count = 0

    def decode(self, request: DecodeRequest) -> tuple[Hypothesis, float]:
        """Return the hypothesis, and the CPU seconds that it should take."""
        if request.purpose == "partial":
            self.partials += [request] if len(self.partials) < COST else []
            return self._fair(request)
        known = hashlib.sha256(msgspec.msgpack.encode(request)).digest()
        if known not in self._finals:
            self._finals[known] = self._fair(request)
        return self._finals[known]

    def _fair(self, request: DecodeRequest) -> tuple[Hypothesis, float]:
        """Decode, and return the CPU time, corrected for other load if ``nominal`` is set."""
        if self._nominal is None:
            return self._timed(request)
        if self._count % 16 == 0:
            self._recent = [*self._recent, self._timed(self._sample)[1]][-5:]
        self._count += 1
        hypothesis, seconds = self._timed(request)
        return hypothesis, seconds * self._nominal / sorted(self._recent)[len(self._recent) // 2]

    def _timed(self, request: DecodeRequest) -> tuple[Hypothesis, float]:
        before = time.process_time()
        (hypothesis,) = self._engine.decode([request])
        return hypothesis, time.process_time() - before


class Simulation:
    """A run of one recording under one policy."""

    def __init__(self, session: Core, ear: Ear, bare: Bare, policy: Policy, tally: Tally) -> None:
        self._core, self._ear, self._bare = session, ear, bare
        self._policy, self._tally = policy, tally
        self._waiting: list[Decode] = []
        self._under_way: list[tuple[float, int, Decode, Hypothesis]] = []
        self._free_at = 0.0
        self._ticket = 0
        self._views: dict[int, View] = defaultdict(View)
        self._last: dict[int, tuple[SpokenWord, ...]] = {}
        self.log = StreamLog()

    def run(self, sound: Sound) -> None:
        """Send the recording in virtual real time, and wait for the remaining results."""
        spoken, now = 0, 0.0
        for chunk in sound.chunks():
            spoken += len(chunk)
            now = sound.format.seconds(spoken)
            self.log.ends.append(now)
            self.log.sent.append(now)
            self._work_until(now)
            self._take(self._core.hear(self._ear.hear(chunk), now), now)
        self.log.stopped = now
        self._take(self._core.hear(self._ear.finish(), now), now)
        self._take(self._core.stop(self._ear.heard, now), now)
        self._work_until(float("inf"))

    def _take(self, effects: Iterable[Effect], now: float) -> None:
        for effect in effects:
            match effect:
                case Decode():
                    # A new partial or final replaces a waiting partial.
                    self._waiting = [each for each in self._waiting if each.purpose == "final"]
                    self._waiting.append(effect)
                    self._waiting.sort(key=lambda each: each.purpose != "final")
                case (
                    Tell(message=(Transcript() | SpeechEnd()) as told)
                    | Show(message=Transcript() as told)
                ):
                    self.log.seen.append(Seen(now, told))
        self._begin(now)

    def _begin(self, now: float) -> None:
        if not self._waiting or self._free_at > now:
            return
        asked = self._waiting.pop(0)
        hypothesis, seconds = self._decoded(asked)
        self._tally.cpu[asked.purpose] += seconds
        self._free_at = now + seconds
        self._ticket += 1
        heapq.heappush(self._under_way, (self._free_at, self._ticket, asked, hypothesis))

    def _work_until(self, end: float) -> None:
        while self._under_way and self._under_way[0][0] <= end:
            now, _, asked, hypothesis = heapq.heappop(self._under_way)
            if asked.purpose == "final":
                self._count_final(asked, hypothesis)
            else:
                self._count_partial(asked, hypothesis, now)
            self._take(self._core.take(asked, hypothesis, now), now)

    def _decoded(self, asked: Decode) -> tuple[Hypothesis, float]:
        request = self._request(asked)
        stable = self._views[asked.utterance].stable_words
        if asked.purpose == "final" or not self._policy.window or not stable:
            return self._bare.decode(request)
        after, text = stable[-1].end, "".join(word.text for word in stable)
        rest = msgspec.structs.replace(
            request, audio=request.audio[4 * after :], draft=request.draft.removeprefix(text)
        )
        found, seconds = self._bare.decode(rest)
        moved = [
            msgspec.structs.replace(word, start=word.start + after, end=word.end + after)
            for word in found.words
        ]
        whole = msgspec.structs.replace(found, text=text + found.text, words=(*stable, *moved))
        return whole, seconds

    def _request(self, asked: Decode) -> DecodeRequest:
        request = decode_request(self._ear, asked)
        return request if self._policy.draft else msgspec.structs.replace(request, draft="")

    def _count_partial(self, asked: Decode, hypothesis: Hypothesis, now: float) -> None:
        """Track the displayed text with a second view; the rules are pure, so it is equal."""
        if asked.utterance in self._last:
            return
        before = self._views[asked.utterance]
        after = followed(before, hypothesis.words, asked.end - asked.start)
        self._views[asked.utterance] = after
        self._tally.broken += before.stable_words != after.words[: before.stable]
        for word in after.stable_words[before.stable :]:
            self._tally.ages.append(now - (asked.start + word.end) / SAMPLE_RATE)

    def _count_final(self, asked: Decode, hypothesis: Hypothesis) -> None:
        view = self._views.get(asked.utterance, View())
        right = common(view.words, hypothesis.words)
        self._last[asked.utterance] = hypothesis.words
        self._tally.last_shown += len(view.words)
        self._tally.contradicted += len(view.words) - right
        self._tally.stable += view.stable
        self._tally.refuted += max(view.stable - right, 0)


def measure(
    policy: Policy,
    sounds: Sequence[Sound],
    bare: Bare,
    voice: VoiceActivity,
    rules: EndpointingRules,
) -> Tally:
    """Run all recordings under one policy."""
    policy.install()
    tally = Tally()
    for sound in sounds:
        config = CoreConfig(
            "bench",
            sound.format.channels,
            rules,
            partials=True,
            context=15 * SAMPLE_RATE,
            languages=LanguageRules(("en",)),
        )
        simulation = Simulation(Core(config), Ear(sound.format, voice), bare, policy, tally)
        simulation.run(sound)
        tally.latencies.add(latencies(simulation.log))
        tally.seconds += sound.seconds
    return tally


def row(name: str, tally: Tally) -> str:
    """Format a row of the table."""
    found, words = tally.latencies, max(tally.latencies.words, 1)
    return " | ".join(
        (
            f"| {name}",
            _pair(spread(found.word_shown)),
            _pair(spread(found.first_text)),
            f"{found.taken_back / words:.3f}",
            f"{tally.contradicted / max(tally.last_shown, 1):.3f}",
            f"{tally.stable / words:.2f}",
            f"{tally.broken}",
            f"{tally.refuted / max(tally.stable, 1):.3f}",
            _pair(spread(tally.ages)),
            f"{tally.cpu['partial'] / tally.seconds:.3f}",
            f"{tally.cpu['final'] / tally.seconds:.3f} |",
        )
    )


HEAD = (
    "| policy | word shown | first text | taken back | contradicted | stable | broken | refuted "
    "| age | CPU/s partials | CPU/s finals |\n" + "|---" * 11 + "|"
)


def batched(engine: Engine, requests: Sequence[DecodeRequest]) -> str:
    """Measure partials without context and draft in batches of similar lengths."""
    most = min(engine.capabilities.max_batch, BATCH)
    if most == 1:
        return "Batches: the engine takes one request at a time."
    plain = [msgspec.structs.replace(request, context=Context(), draft="") for request in requests]
    plain.sort(key=lambda request: len(request.audio))
    times = []
    for size in (1, most):
        before = time.process_time()
        for at in range(0, len(plain), size):
            engine.decode(plain[at : at + size])
        times.append(time.process_time() - before)
    return f"Batches of {most}: {times[1] / times[0]:.2f} of the CPU time of one by one."


def _pair(found: Spread) -> str:
    if found.p50 is None or found.p95 is None:
        return "-"
    return f"{found.p50:.2f} / {found.p95:.2f}"


def _chosen(recordings: Sequence[Recording], count: int) -> Iterator[Recording]:
    """Return an even selection of long-form recordings, read speech and prompts."""
    for group in ("long form", "read", "telephone band"):
        these = [each for each in recordings if group in each.group]
        step = max(len(these) // count, 1)
        yield from these[::step][:count]


def _cut(sound: Sound, seconds: float) -> Sound:
    size = round(seconds * sound.format.sample_rate) * sound.format.frame_bytes
    return Sound(sound.format, sound.data[:size])


def main() -> None:
    """Print a row for each policy."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--audio", type=Path, required=True, help="folder with a manifest.jsonl")
    parser.add_argument("--count", type=int, default=2, help="recordings of each group")
    parser.add_argument("--seconds", type=float, default=30, help="at most so much of each")
    parser.add_argument("--policy", action="append", choices=POLICIES, help="only these")
    parser.add_argument("--endpointing", type=float, default=0.05)
    parser.add_argument("--maximum-duration", type=float, default=5)
    parser.add_argument("--nominal", type=float, help="on a busy machine; for example 0.053")
    options = parser.parse_args()
    models = models_folder()
    chosen = _chosen(read_corpus(options.audio, "en"), options.count)
    sounds = [_cut(read_sound(each.path), options.seconds) for each in chosen]
    engine = open_engine("moonshine-tiny-en", models)
    engine.warm_up()
    longest = max(sounds, key=lambda sound: sound.seconds)
    sample = longest.samples()[0, : SAMPLE_SECONDS * SAMPLE_RATE]
    bare = Bare(engine, sample.astype("<f4").tobytes(), options.nominal)
    voice = VoiceActivity(open_graph(Voices(ModelStore(models)).voice_activity_model()))
    rules = EndpointingRules.from_settings(
        endpointing=options.endpointing,
        maximum_duration=options.maximum_duration,
        speech_threshold=0.6,
    )
    print(HEAD)
    for name in options.policy or POLICIES:
        print(row(name, measure(POLICIES[name], sounds, bare, voice, rules)), flush=True)
    print(f"\n{batched(engine, bare.partials)}")


if __name__ == "__main__":
    main()
