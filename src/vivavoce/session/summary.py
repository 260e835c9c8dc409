"""Builds a session's result from its finals. Values only."""

from collections import Counter
from collections.abc import Iterable, Sequence

from vivavoce.protocol import long_messages
from vivavoce.protocol.messages import (
    Message,
    ServerMessage,
    StartRecording,
    Transcript,
)
from vivavoce.protocol.result import Result, ResultMetadata
from vivavoce.protocol.transcript import Transcription, Utterance


def decoded(messages: Iterable[bytes]) -> list[ServerMessage]:
    """Decode journaled messages."""
    return [long_messages.decoded(message) for message in messages]


def transcription(messages: Iterable[Message]) -> Transcription:
    """Return the whole transcript; utterances of all channels are ordered by start."""
    utterances = [
        message.data.utterance
        for message in messages
        if isinstance(message, Transcript) and message.data.is_final
    ]
    utterances.sort(key=lambda utterance: (utterance.start, utterance.channel))
    return Transcription(
        full_transcript=" ".join(utterance.text.strip() for utterance in utterances),
        languages=_languages(utterances),
        utterances=tuple(utterances),
    )


def _languages(utterances: Sequence[Utterance]) -> tuple[str, ...]:
    """Return the languages from the most to the least frequent."""
    counted = Counter(utterance.language for utterance in utterances)
    return tuple(language for language, _ in counted.most_common())


def metadata(*, duration: float, channels: int, taken: float) -> ResultMetadata:
    """Return the metadata; ``duration`` (audio) and ``taken`` (transcription) are in seconds."""
    return ResultMetadata(
        audio_duration=round(duration, 3),
        number_of_distinct_channels=channels,
        billing_time=round(duration * channels, 3),
        transcription_time=round(taken, 3),
    )


def result(found: Transcription, facts: ResultMetadata) -> Result:
    """Return the result, without messages."""
    return Result(metadata=facts, transcription=found)


def recording_started(messages: Iterable[Message]) -> str | None:
    """Return when the first audio arrived, as a timestamp of the wire format."""
    return next((m.created_at for m in messages if isinstance(m, StartRecording)), None)
