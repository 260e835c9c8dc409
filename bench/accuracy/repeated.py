"""Measures repeated words: digits, letters and counted numbers, at several gaps and levels.

    PYTHONPATH=bench python -m accuracy.repeated --audio DIR [--model ID]

Each case is composed of the spoken digits and letters of ``short_answers.json``, all takes of one
speaker in turn, with silence of the same speaker between them. The table counts words that were
found, even if misrecognised, words that were recognised correctly, and extra words.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jiwer
import msgspec
import numpy as np

from accuracy.cache import TimedEngine, open_cache
from accuracy.corpus import DIGITS, Recording, read_corpus
from accuracy.hearing import Listened, hear, listen
from accuracy.options import common
from accuracy.scoring import normalizer
from accuracy.settings import LIVE, Setting
from accuracy.short import LIST, MODELS, Answer, timed_engine
from accuracy.sound import Sound, read_sound
from vivavoce.audio.format import AudioFormat
from vivavoce.inference import open_graph
from vivavoce.places import models_folder
from vivavoce.recognition.contract import SAMPLE_RATE
from vivavoce.recognition.store import ModelStore
from vivavoce.server.voices import Voices
from vivavoce.speech.silero import VoiceActivity

GAPS = (0.12, 0.3, 0.6)
"""Seconds of silence between two words."""
LEVELS = (0.0, -12.0)
"""Decibels relative to the recording's own level."""
TIMES = (4, 8, 12)
WORDS = 4
"""Number of words of each speaker to repeat: those with the most takes."""
AROUND = 0.8
COUNTED = ("four one five", "five five five", "zero one three two")
GROUP_GAP = 0.7

Floats = np.ndarray[tuple[int], np.dtype[np.float32]]


@dataclass(frozen=True, slots=True)
class Case:
    """Words to recognise, and how they are spoken."""

    kind: str
    text: str
    sound: Sound


@dataclass(frozen=True, slots=True)
class Counted:
    """Word counts of some cases.

    Attributes:
        said: words spoken.
        right: words recognised correctly.
        found: the same, and words recognised as others at the same position.
        extra: words recognised but not spoken.
    """

    said: int = 0
    right: int = 0
    found: int = 0
    extra: int = 0

    def __add__(self, other: "Counted") -> "Counted":
        return Counted(
            self.said + other.said,
            self.right + other.right,
            self.found + other.found,
            self.extra + other.extra,
        )


def cases(folder: Path) -> Iterator[Case]:
    """Build every case that the recordings of a folder allow."""
    by_id = {recording.id: recording for recording in read_corpus(folder, "en")}
    answers = msgspec.json.decode(LIST.read_bytes(), type=list[Answer])
    said = [each for each in answers if _is_sequence(each) and each.id in by_id]
    for name in sorted({_speaker(each) for each in said}):
        speaker = _speaker_of([each for each in said if _speaker(each) == name], by_id)
        yield from _repeated(name, speaker)
        if "spelled" in name:
            for recording in sorted({each.id for each in said if _speaker(each) == name}):
                spelled = [each.text.lower() for each in said if each.id == recording]
                yield _case("spelled", spelled, speaker, GAPS[1], LEVELS[0])
        else:
            yield from _counted(speaker)


def _is_sequence(answer: Answer) -> bool:
    return "seq" in answer.id or "spelled" in answer.id


def _speaker(answer: Answer) -> str:
    """Return the speaker's name: recordings of one speaker differ in their last part."""
    return answer.id.rsplit("_", 1)[0]


@dataclass(frozen=True, slots=True)
class Speaker:
    """Every take of each word of a speaker, and some silence."""

    takes: dict[str, list[Floats]]
    silence: Floats

    def says(self, said: Sequence[str], gap: float) -> Floats:
        """Return the words with this much silence after each, the takes of a word in turn."""
        pause = self.rests(gap)
        pieces: list[Floats] = []
        for at, word in enumerate(said):
            takes = self.takes[word]
            pieces += [takes[list(said[:at]).count(word) % len(takes)], pause]
        return np.concatenate(pieces)

    def rests(self, seconds: float) -> Floats:
        """Return the speaker's silence, forwards and backwards so that it joins without a click."""
        samples = round(seconds * SAMPLE_RATE)
        if not len(self.silence):
            return np.zeros(samples, np.float32)
        return np.resize(np.concatenate((self.silence, self.silence[::-1])), samples)


def _speaker_of(said: Sequence[Answer], by_id: Mapping[str, Recording]) -> Speaker:
    takes: dict[str, list[Floats]] = {}
    sounds = {each.id: read_sound(by_id[each.id].path).samples()[0] for each in said}
    for answer in said:
        cut = _cut(sounds[answer.id], answer.start, answer.end)
        takes.setdefault(answer.text.lower(), []).append(cut)
    return Speaker(takes, _cut(sounds[said[0].id], *said[0].noise))


def _repeated(name: str, speaker: Speaker) -> Iterator[Case]:
    """Yield some words of a speaker, repeated, at each gap and a random level."""
    drawn = sorted(speaker.takes, key=lambda word: (-len(speaker.takes[word]), _drawn(name, word)))
    kind = "a letter" if "spelled" in name else "a digit"
    for word in drawn[:WORDS]:
        for times in TIMES:
            for gap in GAPS:
                level = LEVELS[_drawn(name, word, f"{times} {gap}")[0] % len(LEVELS)]
                yield _case(f"{kind}, {times} times", [word] * times, speaker, gap, level)


def _counted(speaker: Speaker) -> Iterator[Case]:
    """Yield groups of digits with pauses between groups, as far as the speaker has them."""
    for gap in GAPS:
        groups = [group.split() for group in COUNTED]
        if all(word in speaker.takes for group in groups for word in group):
            pieces = [
                piece
                for group in groups
                for piece in (speaker.says(group, gap), speaker.rests(GROUP_GAP))
            ]
            text = " ".join(COUNTED)
            yield Case("counted in groups", text, _sound(pieces, speaker, LEVELS[0]))


def _case(kind: str, said: Sequence[str], speaker: Speaker, gap: float, level: float) -> Case:
    return Case(kind, " ".join(said), _sound([speaker.says(said, gap)], speaker, level))


def _sound(pieces: Sequence[Floats], speaker: Speaker, level: float) -> Sound:
    around = speaker.rests(AROUND)
    whole = np.concatenate((around, *pieces, around)) * 10 ** (level / 20)
    return Sound(AudioFormat(), np.clip(whole * 32768, -32768, 32767).astype("<i2").tobytes())


def _cut(samples: Floats, start: float, end: float) -> Floats:
    return samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]


def _drawn(*names: str) -> bytes:
    return hashlib.sha256("|".join(names).encode()).digest()


def counted(case: Case, text: str) -> Counted:
    """Compare the spoken words with the recognised ones."""
    normal = normalizer("en", DIGITS)
    said, found = normal(case.text), normal(text)
    if not found.strip():
        return Counted(len(said.split()))
    measured = jiwer.process_words(said, found)
    found_at_all = measured.hits + measured.substitutions
    return Counted(len(said.split()), measured.hits, found_at_all, measured.insertions)


def table(found: Sequence[tuple[Case, str, Counted]], settings: Sequence[Setting]) -> str:
    """Format a row for each kind of case and setting."""
    lines = [
        "| said | setting | words said | found, % | right, % | more than said, % |",
        "|---|---|---|---|---|---|",
    ]
    for kind in (*dict.fromkeys(case.kind for case, _, _ in found), "all"):
        for setting in settings:
            of_kind = [
                count
                for case, name, count in found
                if name == setting.name and kind in (case.kind, "all")
            ]
            total = sum(of_kind, Counted())
            shares = " | ".join(
                f"{100 * part / total.said:.1f}" for part in (total.found, total.right, total.extra)
            )
            lines.append(f"| {kind} | {setting.name} | {total.said} | {shares} |")
    return "\n".join(lines)


def measure(
    made: Sequence[tuple[Case, Listened]],
    settings: Sequence[Setting],
    transcribe: Callable[[Setting, Listened], str],
    *,
    every: bool,
) -> list[tuple[Case, str, Counted]]:
    """Transcribe every case in every setting."""
    found: list[tuple[Case, str, Counted]] = []
    for case, listened in made:
        for setting in settings:
            text = transcribe(setting, listened)
            count = counted(case, text)
            found.append((case, setting.name, count))
            if every and (count.found < count.said or count.extra):
                print(f"- {setting.name} | {case.text} | {text.strip()}")
    return found


def main() -> None:
    """Print the table of each engine."""
    parser = common("accuracy.repeated", __doc__ or "")
    parser.add_argument("--model", action="append", help="id; may be repeated")
    parser.add_argument("--every", action="store_true", help="show each that was heard wrong")
    parser.add_argument("--cache", type=Path, help="file of the answers so far")
    options = parser.parse_args()
    store = ModelStore(options.models_dir or models_folder())
    activity = VoiceActivity(open_graph(Voices(store).voice_activity_model()))
    made = [(case, listen(activity, case.sound)) for case in cases(options.audio)]
    with open_cache(options.cache) as cache:
        for model in options.model or MODELS:
            engine = timed_engine(model, store, cache, options)

            def transcribe(
                setting: Setting, listened: Listened, engine: TimedEngine = engine
            ) -> str:
                return " ".join(hear(engine, setting, "en", listened).texts[0])

            print(f"{model}:\n")
            print(table(measure(made, LIVE, transcribe, every=options.every), LIVE), "\n")


if __name__ == "__main__":
    main()
