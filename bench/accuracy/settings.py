"""The settings with which every recording is transcribed."""

from dataclasses import dataclass

from vivavoce.session.context import bound
from vivavoce.speech.rules import EndpointingRules

CONTEXT = 20.0
"""Seconds; the server's default, of which a session uses what its ``endpointing`` allows."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: the whole recording at once, or as in a live session.

    Attributes:
        name: name in results and tables.
        endpointing: seconds; 0 for the whole recording.
        maximum: maximum duration of an utterance in seconds.
        context: seconds; 0 decodes every utterance alone.
    """

    name: str
    endpointing: float = 0.0
    maximum: float = 0.0
    context: float = 0.0

    @property
    def rules(self) -> EndpointingRules:
        """The rules for the start and end of utterances."""
        return EndpointingRules.from_settings(
            endpointing=self.endpointing, maximum_duration=self.maximum, speech_threshold=0.6
        )


WHOLE = Setting("whole")
PAIRS = ((0.05, 5), (0.1, 15), (0.3, 15))
"""``endpointing`` and maximum duration: the API's default, a conversation, dictation."""
LIVE = tuple(
    Setting(f"{silence:g}/{most}", silence, most, bound(CONTEXT, silence))
    for silence, most in PAIRS
)
ALONE = tuple(Setting(f"{silence:g}/{most} alone", silence, most) for silence, most in PAIRS)
SETTINGS = (WHOLE, *(each for pair in zip(ALONE, LIVE, strict=True) for each in pair))
