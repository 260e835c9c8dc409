"""The interfaces of the archive: the records and the recordings of sessions.

JSON documents are passed as UTF-8 bytes, so that responses can include them without decoding.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import msgspec

MOST_PAGE_BYTES = 1 << 20
"""Maximum bytes of JSON on a page of a list; a page of large records has fewer of them."""


class ArchiveError(Exception):
    """The archive cannot carry out a call."""


class NotFoundError(ArchiveError):
    """No such session, or it belongs to another owner."""


class NotFinishedError(ArchiveError):
    """The session has not finished; only finished sessions can be deleted."""


class ExistsError(ArchiveError):
    """A record with this id already exists."""


class UnreadableError(ArchiveError):
    """The stored data of this session is damaged; other sessions are unaffected."""


class UnavailableError(ArchiveError):
    """The database or disk is unreachable, locked or full; the same call may succeed later."""


class Status(StrEnum):
    """The status of a session in its lifecycle."""

    QUEUED = "queued"
    PROCESSING = "processing"
    DONE = "done"
    ERROR = "error"


FINISHED = frozenset({Status.DONE, Status.ERROR})


class AudioFile(msgspec.Struct, frozen=True):
    """Metadata of a recording; durations in seconds."""

    filename: str | None = None
    audio_duration: float | None = None
    number_of_channels: int | None = None


class NewRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A session as it is created.

    Attributes:
        id: UUID text.
        owner: name of the API key that created it.
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
    """A session with its status and result.

    Attributes:
        status: its status in the lifecycle.
        completed_at: Unix time in seconds at which it ended.
        error_code: HTTP-like code of a failure.
        post_session_metadata: JSON object set by ``patch``.
        file: its recording.
        result: JSON of the result, if one was stored; only ``get`` reads it.
    """

    status: Status = Status.QUEUED
    completed_at: float | None = None
    error_code: int | None = None
    post_session_metadata: bytes = b"{}"
    file: AudioFile | None = None
    result: bytes | None = None


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """The filters and limits of a list; a record must match every given filter.

    Attributes:
        offset: records to skip.
        limit: maximum number of records to return, at least 1.
        most_bytes: bytes of JSON after which the page ends; it has at least one record.
        day: created on this whole day of UTC.
        before: created before this Unix time (exclusive).
        after: created at or after this Unix time (inclusive).
        statuses: any of these; empty for all.
        texts: top-level metadata keys, each with the text of its value.
        contains: JSON object that the metadata must contain, leaves compared as text.
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
    """One page of a list, newest first.

    Attributes:
        records: the readable ones.
        covered: number of records that the page covers, including damaged ones.
        more: whether more records follow.
    """

    records: Sequence[Record]
    covered: int
    more: bool


class Records(Protocol):
    """The records of all sessions. Every method may raise ``UnavailableError``."""

    async def add(self, record: NewRecord) -> None:
        """Store a new session with the status queued.

        Raises:
            ExistsError: the id is taken.
        """
        ...

    async def set_status(self, session_id: str, status: Status) -> bool:
        """Set another unfinished status on an unfinished session; False if it has finished.

        Raises:
            NotFoundError: no such session.
        """
        ...

    async def finish(
        self, session_id: str, result: bytes, file: AudioFile | None, completed_at: float
    ) -> bool:
        """Store the result; False if the session already has one, which is kept.

        A result replaces a failure: the stored data of a failed session may have been repaired.

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
        """Store a failure and any partial result; False if the session has already finished.

        Raises:
            NotFoundError: no such session.
        """
        ...

    async def get(self, session_id: str, owner: str) -> Record:
        """Return one record with its result, which may be megabytes in size.

        Raises:
            NotFoundError: no such session of this owner.
        """
        ...

    async def summary(self, session_id: str, owner: str) -> Record:
        """Return one record without its result.

        Raises:
            NotFoundError: no such session of this owner.
            UnreadableError: the record is damaged.
        """
        ...

    async def list(self, owner: str, query: Query) -> Page:
        """Return the owner's records matching a query, newest first, ties by id; without results.

        Damaged records are omitted.
        """
        ...

    async def delete(self, session_id: str, owner: str) -> None:
        """Delete a finished session permanently.

        Raises:
            NotFoundError: no such session of this owner.
            NotFinishedError: the session has not finished.
        """
        ...

    async def patch(self, session_id: str, owner: str, metadata: bytes) -> None:
        """Replace the post-session metadata (a JSON object).

        Raises:
            NotFoundError: no such session of this owner.
        """
        ...

    async def close(self) -> None:
        """Finish pending work and close the database."""
        ...


class Recording(msgspec.Struct, frozen=True):
    """A stored recording: its size in bytes, and its path if it is a local file."""

    size: int
    path: Path | None


class Recordings(Protocol):
    """The recordings of sessions, by id (UUID text; anything else raises ``ValueError``)."""

    async def write(self, session_id: str, chunks: AsyncIterator[bytes]) -> int:
        """Store a recording atomically, replacing an earlier one; returns its size in bytes.

        When this returns, the recording survives a power failure.

        Raises:
            UnavailableError: the recording cannot currently be stored.
        """
        ...

    async def find(self, session_id: str) -> Recording:
        """Return the size and path of the recording.

        Raises:
            NotFoundError: there is no recording.
        """
        ...

    def read(self, session_id: str, start: int = 0) -> AsyncIterator[bytes]:
        """Yield the recording's bytes from ``start``, in blocks.

        Raises:
            NotFoundError: there is no recording.
        """
        ...

    async def delete(self, session_id: str) -> None:
        """Remove the recording. Idempotent."""
        ...
