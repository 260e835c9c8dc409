"""Counts how often speech resumes after a pause in which its final was decoded speculatively.

`python bench/pauses.py --audio DIR`, where DIR contains a `manifest.jsonl` whose lines name a
`file` and its `text`. Each recording passes through the session core in chunks of 100 ms, and
every decode is answered at once. Prints, for each `endpointing`, the cost of speculative finals:
their number per final, the discarded ones, and the audio decoded needlessly, by how long before
the end of a pause they are requested.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from unittest import mock

from voice_activity import MODEL, load, recordings

from vivavoce.inference import open_graph
from vivavoce.places import models_folder
from vivavoce.recognition.contract import SAMPLE_RATE, Hypothesis, SpokenWord
from vivavoce.session import channel
from vivavoce.session.core import Core, CoreConfig
from vivavoce.session.effects import Abandon, Confirm, Decode, Effect
from vivavoce.speech.rules import WINDOW_SAMPLES, EndpointingRules
from vivavoce.speech.silero import VoiceActivity, VoiceState

ENDPOINTING: Final = [0.05, 0.1, 0.3, 0.5, 1.0, 2.0]
CONTEXT: Final = 15 * SAMPLE_RATE
MAXIMUM: Final = 15.0
CHUNK: Final = SAMPLE_RATE // 10
LEADS: Final = [100, 150, 200, 300, 500, 5000]
"""Milliseconds of silence before an utterance's end when its speculative final is requested."""


@dataclass(slots=True)
class Tally:
    """Counts of the finals of all recordings.

    ``wasted`` lists the discarded ones: the samples of each pause when speech resumed, and the
    samples decoded.
    """

    finals: int = 0
    final_samples: int = 0
    confirmed: int = 0
    wasted: list[tuple[int, int]] = field(default_factory=list)


def listen(probabilities: Sequence[float], endpointing: float, tally: Tally) -> None:
    """Pass one recording through a session."""
    rules = EndpointingRules.from_settings(
        endpointing=endpointing, maximum_duration=MAXIMUM, speech_threshold=0.6
    )
    core = Core(CoreConfig("s", 1, rules, partials=False, context=CONTEXT))
    windows = 0
    for end in range(CHUNK, len(probabilities) * WINDOW_SAMPLES + CHUNK, CHUNK):
        piece = probabilities[windows : end // WINDOW_SAMPLES]
        windows += len(piece)
        if piece:
            note(core, core.hear([piece], 0), tally)
    note(core, core.stop(windows * WINDOW_SAMPLES, 0), tally)


def note(core: Core, effects: Iterable[Effect], tally: Tally) -> None:
    """Count a request and answer it at once."""
    for effect in effects:
        match effect:
            case Decode():
                note(core, core.take(effect, said(effect), 0), tally)
            case Abandon(request):
                tally.wasted.append((core.heard - request.end, cost(request)))
            case _:
                pass
        if isinstance(effect, Confirm) or (isinstance(effect, Decode) and not effect.foreseen):
            request = effect.request if isinstance(effect, Confirm) else effect
            tally.confirmed += isinstance(effect, Confirm)
            tally.finals += 1
            tally.final_samples += cost(request)


def said(request: Decode) -> Hypothesis:
    """Return an answer usable as context, so that context has its maximum length."""
    word = SpokenWord(" word", 0, request.end - request.start, 0.9)
    return Hypothesis(" word", (word,), "en", 0.9)


def cost(request: Decode) -> int:
    """Return the number of samples that an engine decodes."""
    return request.end - (request.earlier.start if request.earlier else request.start)


def rows(endpointing: float, tally: Tally) -> Iterator[str]:
    """Format the rows of one ``endpointing``; the last is for requests made at once."""
    for lead in LEADS:
        at = max(round(endpointing * 1000) - lead, 0)
        long = [made for pause, made in tally.wasted if pause >= at * SAMPLE_RATE // 1000]
        foreseen = tally.confirmed / tally.finals
        in_vain = len(long) / max(tally.confirmed + len(long), 1)
        yield (
            f"| {endpointing:g} | {lead if at else 'all'} | {tally.finals} | {foreseen:.0%} "
            f"| {in_vain:.0%} | {sum(long) / tally.final_samples:.0%} |"
        )
        if not at:
            return


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audio", type=Path, required=True)
    model = VoiceActivity(open_graph(models_folder() / MODEL))
    spoken = (load(path) for path, speech in recordings(parser.parse_args().audio) if speech)
    heard = [model.probabilities(VoiceState(), signal)[0].tolist() for signal in spoken]
    print("| endpointing | ms left | finals | foreseen | guesses in vain | audio in vain |")
    print("|---|---|---|---|---|---|")
    for endpointing in ENDPOINTING:
        tally = Tally()
        with mock.patch.object(channel, "LEAD_SAMPLES", sys.maxsize):
            for probabilities in heard:
                listen(probabilities, endpointing, tally)
        print("\n".join(rows(endpointing, tally)), flush=True)


if __name__ == "__main__":
    main()
