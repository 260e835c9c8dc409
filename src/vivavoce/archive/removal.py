"""Deleting a session for good, so that it can be done again where it was cut short."""

from vivavoce.archive.port import FINISHED, NotFinishedError, Record, Recordings, Records


async def remove(record: Record, records: Records, recordings: Recordings) -> None:
    """Remove a finished session's recording, then its record.

    The record goes last: while it is there its owner can see that something is left, and delete
    it again. A recording without a record would stay for ever.

    Raises:
        NotFoundError: it has gone meanwhile.
        NotFinishedError: it is still at work.
        UnavailableError: the record is left for the next attempt.
    """
    if record.status not in FINISHED:
        raise NotFinishedError(record.id)
    await recordings.delete(record.id)
    await records.delete(record.id, record.owner)
