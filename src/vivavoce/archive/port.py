"""What is kept of sessions: their records and their recordings, whatever stands behind them.

JSON documents go in and out as UTF-8 text, so that an answer can carry them without decoding.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import msgspec

MOST_PAGE_BYTES = 1 << 20
"""JSON on a page of a list; where more is asked for, the page has fewer records."""


class ArchiveError(Exception):
    """The archive cannot do what was asked."""


class NotFoundError(ArchiveError):
    """No such session, or it belongs to somebody else."""


class NotFinishedError(ArchiveError):
    """The session is still at work; only finished ones can be deleted."""


class ExistsError(ArchiveError):
    """There is a record with this id already."""


class UnreadableError(ArchiveError):
    """What is stored of this session is damaged; no other is concerned."""


class UnavailableError(ArchiveError):
    """Database or disk do not answer, are locked or full; the same call may work later."""


class Status(StrEnum):
    """Where a session is in its life."""

    QUEUED = "queued"
    PROCESSING = "processing"
    DONE = "done"
    ERROR = "error"


FINISHED = frozenset({Status.DONE, Status.ERROR})


class AudioFile(msgspec.Struct, frozen=True):
    """What is known of a recording; durations in seconds."""

    filename: str | None = None
    audio_duration: float | None = None
    number_of_channels: int | None = None


class NewRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A session as it is created.

    Attributes:
        id: UUID text.
        owner: name of the API key that made it.
        created_at: Unix time in seconds.
        request: the request as JSON with defaults applied, without the custom metadata.
        custom_metadata: the client's own JSON object.
    """

    id: str
    owner: str
    created_at: float
    request: bytes
    custom_metadata: bytes | None = None


class Record(NewRecord, frozen=True, kw_only=True):
    """A session with what has become of it.

    Attributes:
        status: where it is in its life.
        completed_at: Unix time in seconds of its end.
        error_code: HTTP-like code of a failure.
        post_session_metadata: JSON object that was patched in.
        file: its recording.
        result: JSON of the result, once done; only ``get`` reads it.
    """

    status: Status = Status.QUEUED
    completed_at: float | None = None
    error_code: int | None = None
    post_session_metadata: bytes = b"{}"
    file: AudioFile | None = None
    result: bytes | None = None


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What a list is asked for; every filter that is given must hold.

    Attributes:
        offset: records to skip.
        limit: records to return at most, at least 1.
        most_bytes: JSON after which the page ends; it has one record at least.
        day: created on this whole day of UTC.
        before: created before this Unix time, itself excluded.
        after: created at or after this Unix time.
        statuses: any of these; empty for all.
        texts: top-level metadata keys with the text of their value.
        contains: JSON object that the metadata contains, leaves compared as text.
    """

    offset: int = 0
    limit: int = 20
    most_bytes: int = MOST_PAGE_BYTES
    day: date | None = None
    before: float | None = None
    after: float | None = None
    statuses: frozenset[Status] = frozenset()
    texts: Mapping[str, str] = {}
    contains: Mapping[str, Any] = {}

    def __post_init__(self) -> None:
        if self.offset < 0 or self.limit < 1:
            raise ValueError("offset must be at least 0 and limit at least 1")


class Page(msgspec.Struct, frozen=True):
    """A part of a list, newest first.

    Attributes:
        records: the readable ones.
        covered: how many the page goes through, damaged ones included.
        more: whether anything follows.
    """

    records: Sequence[Record]
    covered: int
    more: bool


class Records(Protocol):
    """The records of all sessions. Every method may raise ``UnavailableError``."""

    async def add(self, record: NewRecord) -> None:
        """Keep a new session as queued.

        Raises:
            ExistsError: the id is taken.
        """
        ...

    async def set_status(self, session_id: str, status: Status) -> bool:
        """Move an unfinished session to another unfinished status; False if it has finished.

        Raises:
            NotFoundError: no such session.
        """
        ...

    async def finish(
        self, session_id: str, result: bytes, file: AudioFile | None, completed_at: float
    ) -> bool:
        """Store the result. The first one stands: False if the session had one.

        It replaces a failure: a session whose stored data was repaired has a result after all.

        Raises:
            NotFoundError: no such session.
        """
        ...

    async def fail(
        self,
        session_id: str,
        code: int,
        completed_at: float,
        *,
        result: bytes | None = None,
        file: AudioFile | None = None,
    ) -> bool:
        """Store a failure, with what there is of the result; False if the session had finished.

        Raises:
            NotFoundError: no such session.
        """
        ...

    async def get(self, session_id: str, owner: str) -> Record:
        """One record with its result, which may have megabytes.

        Raises:
            NotFoundError: no such session of this owner.
        """
        ...

    async def summary(self, session_id: str, owner: str) -> Record:
        """One record without its result.

        Raises:
            NotFoundError: no such session of this owner.
            UnreadableError: the record is damaged.
        """
        ...

    async def list(self, owner: str, query: Query) -> Page:
        """The owner's records that a query asks for, newest first, ties by id; without results.

        Damaged ones are left out.
        """
        ...

    async def delete(self, session_id: str, owner: str) -> None:
        """Remove a finished session for good.

        Raises:
            NotFoundError: no such session of this owner.
            NotFinishedError: it is still at work.
        """
        ...

    async def patch(self, session_id: str, owner: str, metadata: bytes) -> None:
        """Replace the metadata that is added after the session (a JSON object).

        Raises:
            NotFoundError: no such session of this owner.
        """
        ...

    async def close(self) -> None:
        """Finish what was begun and let the database go."""
        ...


class Recording(msgspec.Struct, frozen=True):
    """A stored recording: its bytes, and its path where it is a local file."""

    size: int
    path: Path | None


class Recordings(Protocol):
    """The recordings of sessions by id (UUID text; anything else is a ``ValueError``)."""

    async def write(self, session_id: str, chunks: AsyncIterator[bytes]) -> int:
        """Store a recording, all of it or nothing, in place of an earlier one; returns its size.

        When this returns it survives a power cut.

        Raises:
            UnavailableError: it cannot be stored now.
        """
        ...

    async def find(self, session_id: str) -> Recording:
        """What is stored.

        Raises:
            NotFoundError: there is no recording.
        """
        ...

    def read(self, session_id: str, start: int = 0) -> AsyncIterator[bytes]:
        """The recording's bytes from ``start``, in blocks.

        Raises:
            NotFoundError: there is no recording.
        """
        ...

    async def delete(self, session_id: str) -> None:
        """Remove the recording. Idempotent."""
        ...
