"""From a session's finals to its result. Values only."""

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
    """Journaled messages as values."""
    return [long_messages.decoded(message) for message in messages]


def transcription(messages: Iterable[Message]) -> Transcription:
    """The whole text, utterances of all channels in the order of their starts."""
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
    """Languages from the most to the least frequent."""
    counted = Counter(utterance.language for utterance in utterances)
    return tuple(language for language, _ in counted.most_common())


def metadata(*, duration: float, channels: int, taken: float) -> ResultMetadata:
    """Seconds of audio, channels, billed seconds, and the seconds the whole thing took."""
    return ResultMetadata(
        audio_duration=round(duration, 3),
        number_of_distinct_channels=channels,
        billing_time=round(duration * channels, 3),
        transcription_time=round(taken, 3),
    )


def result(found: Transcription, facts: ResultMetadata) -> Result:
    """The result without the messages."""
    return Result(metadata=facts, transcription=found)


def recording_started(messages: Iterable[Message]) -> str | None:
    """When the first audio came, as the wire writes it."""
    return next((m.created_at for m in messages if isinstance(m, StartRecording)), None)
