"""Messages that a connection sends itself: acknowledgements, refusals and errors."""

from dataclasses import dataclass

from vivavoce.protocol.failures import failure
from vivavoce.protocol.messages import (
    AudioChunkAck,
    ChunkRange,
    ErrorDetail,
    ErrorMessage,
    Failure,
    FinalizeAck,
    FinalizedMoment,
    Message,
    RecordingDurations,
    StopRecordingAck,
)
from vivavoce.protocol.timestamps import iso
from vivavoce.session.ports import Clock

STATUSES = {
    "audio_gap": 416,
    "duration_limit": 413,
    "invalid_message": 400,
    "session_timeout": 408,
    "suspicious_audio": 400,
}
"""The HTTP status of each code of an ``error`` message."""


@dataclass(frozen=True, slots=True)
class Replies:
    """Builds the messages of one session.

    Attributes:
        session_id: the session.
        wall: Unix time, for their timestamps.
    """

    session_id: str
    wall: Clock

    def ack(self, stored: ChunkRange) -> AudioChunkAck:
        """Acknowledge audio that is durable."""
        return AudioChunkAck(
            session_id=self.session_id,
            created_at=iso(self.wall()),
            acknowledged=True,
            data=stored,
        )

    def refused(self, reason: str, status: int) -> AudioChunkAck:
        """Refuse audio with a reason and the HTTP status that fits it."""
        return AudioChunkAck(
            session_id=self.session_id,
            created_at=iso(self.wall()),
            acknowledged=False,
            error=failure(reason, status),
        )

    def stopped(
        self, durations: RecordingDurations | None, refusal: Failure | None
    ) -> StopRecordingAck:
        """Answer ``stop_recording`` with the durations, or with the reason of a refusal."""
        return StopRecordingAck(
            session_id=self.session_id,
            created_at=iso(self.wall()),
            acknowledged=refusal is None,
            error=refusal,
            data=durations,
        )

    def finalized(self, moment: FinalizedMoment) -> FinalizeAck:
        """Acknowledge that open utterances end at ``moment``."""
        return FinalizeAck(
            session_id=self.session_id,
            created_at=iso(self.wall()),
            acknowledged=True,
            data=moment,
        )

    def not_finalized(self, reason: str, status: int) -> FinalizeAck:
        """Refuse to end utterances with a reason and the HTTP status that fits it."""
        return FinalizeAck(
            session_id=self.session_id,
            created_at=iso(self.wall()),
            acknowledged=False,
            error=failure(reason, status),
        )

    def error(self, code: str, reason: str) -> ErrorMessage:
        """Report an error that no other message carries."""
        return ErrorMessage(
            session_id=self.session_id,
            created_at=iso(self.wall()),
            error=failure(reason, STATUSES.get(code, 500)),
            data=ErrorDetail(code, reason),
        )


def acknowledged(message: Message) -> tuple[int, int]:
    """Return start and end byte of the audio that a message acknowledges; zeros for none."""
    if isinstance(message, AudioChunkAck) and message.data is not None:
        return message.data.byte_range
    return 0, 0
