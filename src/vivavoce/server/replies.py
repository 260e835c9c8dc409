"""What a connection says of itself: acknowledgements, refusals and errors, dated."""

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Replies:
    """Makes the messages of one session.

    Attributes:
        session_id: the session.
        wall: Unix time, to date them.
    """

    session_id: str
    wall: Clock

    def ack(self, stored: ChunkRange | None, reason: str = "") -> AudioChunkAck:
        """Audio is durable; or it was refused, and why."""
        return AudioChunkAck(
            session_id=self.session_id,
            created_at=iso(self.wall()),
            acknowledged=stored is not None,
            error=Failure(reason) if reason else None,
            data=stored,
        )

    def stopped(
        self, durations: RecordingDurations | None, failure: Failure | None
    ) -> StopRecordingAck:
        """The recording has ended; or it could not be, and why."""
        return StopRecordingAck(
            session_id=self.session_id,
            created_at=iso(self.wall()),
            acknowledged=failure is None,
            error=failure,
            data=durations,
        )

    def finalized(self, moment: FinalizedMoment | None, reason: str = "") -> FinalizeAck:
        """Open utterances end there; or they could not be ended, and why."""
        return FinalizeAck(
            session_id=self.session_id,
            created_at=iso(self.wall()),
            acknowledged=moment is not None,
            error=Failure(reason) if reason else None,
            data=moment,
        )

    def error(self, code: str, reason: str) -> ErrorMessage:
        """Something went wrong that belongs to no other message."""
        return ErrorMessage(
            session_id=self.session_id,
            created_at=iso(self.wall()),
            error=Failure(reason),
            data=ErrorDetail(code, reason),
        )


def acknowledged(message: Message) -> tuple[int, int]:
    """Begin and end of the audio that a message acknowledges, zeros for none."""
    if isinstance(message, AudioChunkAck) and message.data is not None:
        return message.data.byte_range
    return 0, 0
