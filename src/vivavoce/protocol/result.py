"""What a session leaves behind, as HTTP answers show it. Contract §1.4, §1.6 and §1.7."""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from vivavoce.protocol.transcript import Transcription

Status = Literal["queued", "processing", "done", "error"]


class InitAnswer(msgspec.Struct, frozen=True):
    """The answer to ``POST /v2/live``."""

    id: str
    created_at: str
    url: str


class ResultMetadata(msgspec.Struct, frozen=True):
    """Seconds and channels of a finished session."""

    audio_duration: float
    number_of_distinct_channels: int
    billing_time: float
    transcription_time: float


class Result(msgspec.Struct, frozen=True):
    """Everything that was found; ``messages`` (each as JSON text) only in HTTP answers."""

    metadata: ResultMetadata
    transcription: Transcription | UnsetType = UNSET
    messages: tuple[str, ...] | UnsetType = UNSET


class File(msgspec.Struct, frozen=True):
    """The recording."""

    id: str
    filename: str | None
    source: str | None
    audio_duration: float | None
    number_of_channels: int | None


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A session as ``GET /v2/live/{id}`` shows it."""

    id: str
    request_id: str
    version: int = 2
    status: Status
    created_at: str
    completed_at: str | None = None
    custom_metadata: msgspec.Raw | UnsetType = UNSET
    error_code: int | None = None
    post_session_metadata: msgspec.Raw = msgspec.Raw(b"{}")
    kind: Literal["live"] = "live"
    file: File | None = None
    request_params: msgspec.Raw | None = None
    result: msgspec.Raw | None = None


class JobPage(msgspec.Struct, frozen=True):
    """A page of the list, newest first; links are absolute and repeat every filter."""

    first: str
    current: str
    next: str | None
    items: tuple[Job, ...]
