"""Session failures: their cause, and the handling of the stored data. Values only."""

from dataclasses import dataclass

from vivavoce.journal import port as journal
from vivavoce.session.checkpoint import CheckpointError

CRASHED = 500
NO_ENGINE = 503


@dataclass(frozen=True, slots=True)
class Failure:
    """A session that ends without its whole transcript.

    Attributes:
        code: error code for the record, in the style of an HTTP status.
        keep: whether its data stays in the journal for repair; the next start tries again.
        recording: whether its audio can be decoded, so that a recording can be made.
    """

    code: int = CRASHED
    keep: bool = False
    recording: bool = True


def kind_of(error: BaseException) -> str:
    """Return which part of a stored session cannot be read, as a label of the metric."""
    if isinstance(error, CheckpointError):
        return "checkpoint"
    return "audio" if isinstance(error, journal.JournalError) else "session"


def is_unreadable(error: BaseException) -> bool:
    """Return whether only a repair of the stored data can help, and no retry."""
    return isinstance(error, CheckpointError)
