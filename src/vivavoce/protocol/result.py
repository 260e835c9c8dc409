"""What a session leaves behind, as HTTP answers show it. Contract §1.4, §1.6 and §1.7."""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from vivavoce.protocol.formats import (
    Index,
    Instant,
    RawObject,
    RawRequest,
    RawResult,
    Seconds,
    Uri,
    Uuid,
)
from vivavoce.protocol.transcript import Transcription

Status = Literal["queued", "processing", "done", "error"]


class InitAnswer(msgspec.Struct, frozen=True):
    """The answer to ``POST /v2/live``."""

    id: Uuid
    created_at: Instant
    url: Uri


class ResultMetadata(msgspec.Struct, frozen=True):
    """Seconds and channels of a finished session."""

    audio_duration: Seconds
    number_of_distinct_channels: Index
    billing_time: Seconds
    transcription_time: Seconds


class Result(msgspec.Struct, frozen=True):
    """The result of a session; ``messages`` (each as JSON text) only in HTTP responses."""

    metadata: ResultMetadata
    transcription: Transcription | UnsetType = UNSET
    messages: tuple[str, ...] | UnsetType = UNSET


class File(msgspec.Struct, frozen=True):
    """The recording."""

    id: Uuid
    filename: str | None
    source: str | None
    audio_duration: Seconds | None
    number_of_channels: Index | None


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A session as ``GET /v2/live/{id}`` shows it."""

    id: Uuid
    request_id: str
    version: int = 2
    status: Status
    created_at: Instant
    completed_at: Instant | None = None
    custom_metadata: RawObject | UnsetType = UNSET
    error_code: int | None = None
    post_session_metadata: RawObject
    kind: Literal["live"] = "live"
    file: File | None = None
    request_params: RawRequest | None = None
    result: RawResult | None = None


class JobPage(msgspec.Struct, frozen=True):
    """A page of the list, newest first; links are absolute and repeat every filter."""

    first: Uri
    current: Uri
    next: Uri | None
    items: tuple[Job, ...]
