"""How a session fails: what ended it, and what becomes of its stored data. Values only."""

from dataclasses import dataclass

from vivavoce.journal import port as journal
from vivavoce.session.checkpoint import CheckpointError

CRASHED = 500
NO_ENGINE = 503


@dataclass(frozen=True, slots=True)
class Failure:
    """A session that ends without its whole transcript.

    Attributes:
        code: for the record, like a status of HTTP.
        keep: whether its data stays in the journal for repair; the next start tries again.
        recording: whether its audio is understood, so that a recording can be made.
    """

    code: int = CRASHED
    keep: bool = False
    recording: bool = True


def kind_of(error: BaseException) -> str:
    """What of a stored session cannot be read: a label of the metric."""
    if isinstance(error, CheckpointError):
        return "checkpoint"
    return "audio" if isinstance(error, journal.JournalError) else "session"


def is_unreadable(error: BaseException) -> bool:
    """Whether trying again cannot help: only a repair of the stored data can."""
    return isinstance(error, CheckpointError)
