"""Permanent deletion of a session, repeatable after an interruption."""

from vivavoce.archive.port import FINISHED, NotFinishedError, Record, Recordings, Records


async def remove(record: Record, records: Records, recordings: Recordings) -> None:
    """Delete a finished session's recording, then its record.

    The record is deleted last: while it exists, its owner can see that data is left and repeat
    the deletion. A recording without a record would remain indefinitely.

    Raises:
        NotFoundError: the session has been deleted meanwhile.
        NotFinishedError: the session has not finished.
        UnavailableError: the record is kept for another attempt.
    """
    if record.status not in FINISHED:
        raise NotFinishedError(record.id)
    await recordings.delete(record.id)
    await records.delete(record.id, record.owner)
