"""Policies for partials that ``bench/partials.py`` compares."""

from dataclasses import dataclass

from vivavoce.recognition.contract import SAMPLE_RATE
from vivavoce.session import core, display, partials
from vivavoce.session.channel import Channel
from vivavoce.session.display import PATIENCE, STABLE_AFTER, Patience
from vivavoce.session.effects import Decode

ALL = (Patience(float("inf"), 0, 0),)


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy for partials; times in seconds.

    Attributes:
        window: decode only the audio after the stable words, and prepend them.
        in_pauses: request partials also during pauses, when there can be no new speech.
    """

    interval: float = partials.INTERVAL / SAMPLE_RATE
    least_speech: float = partials.LEAST_SPEECH / SAMPLE_RATE
    context: float = partials.CONTEXT / SAMPLE_RATE
    draft: bool = True
    patience: tuple[Patience, ...] = PATIENCE
    stable_after: float = STABLE_AFTER / SAMPLE_RATE
    window: bool = False
    in_pauses: bool = False

    def install(self) -> None:
        """Configure the session core with this policy."""
        partials.INTERVAL = round(self.interval * SAMPLE_RATE)
        partials.LEAST_SPEECH = round(self.least_speech * SAMPLE_RATE)
        partials.CONTEXT = round(self.context * SAMPLE_RATE)
        display.PATIENCE = self.patience
        display.STABLE_AFTER = round(min(self.stable_after, 1e6) * SAMPLE_RATE)
        vars(core)["Channel"] = Restless if self.in_pauses else Channel


class Restless(Channel):
    """Requests partials in pauses too."""

    def partial_request(self, heard: int, language: str | None) -> Decode | None:
        """Apply the usual rule, regardless of the phase."""
        return self._partials.request(heard, language or "", self._earlier_of_partials("en"))


POLICIES = {
    "now": Policy(),
    "as before": Policy(
        least_speech=0, context=0, draft=False, patience=ALL, stable_after=float("inf")
    ),
    "no draft": Policy(draft=False),
    "no context": Policy(context=0),
    "no context, no draft": Policy(context=0, draft=False),
    "context 2 s": Policy(context=2),
    "window after the stable words": Policy(context=0, window=True),
    "in pauses too": Policy(in_pauses=True),
    "all shown": Policy(patience=ALL),
    "every 0.2 s": Policy(interval=0.2),
    "every 0.4 s": Policy(interval=0.4),
    "first after 0.4 s": Policy(least_speech=0.4),
}
