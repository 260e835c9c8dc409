"""The ways in which every recording is heard."""

from dataclasses import dataclass

from vivavoce.session.context import bound
from vivavoce.speech.rules import EndpointingRules

CONTEXT = 20.0
"""Seconds; the server's default, of which a session takes what its ``endpointing`` allows."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One way: the whole recording at once, or as a live session hears it.

    Attributes:
        name: what results and tables call it.
        endpointing: seconds; 0 for the whole recording.
        maximum: seconds that cut an utterance.
        context: seconds; 0 decodes every utterance alone.
    """

    name: str
    endpointing: float = 0.0
    maximum: float = 0.0
    context: float = 0.0

    @property
    def rules(self) -> EndpointingRules:
        """Where utterances begin and end."""
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
