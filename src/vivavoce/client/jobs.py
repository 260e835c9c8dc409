"""Sessions as HTTP answers show them, read.

``protocol.result.Job`` is how the server writes them: with parts that are JSON already.
"""

from typing import Any

import msgspec

from vivavoce.protocol.result import File, Result, Status


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A session as ``GET /v2/live/{id}`` shows it; ``result`` is there once it is done."""

    id: str
    status: Status
    created_at: str
    request_id: str = ""
    completed_at: str | None = None
    custom_metadata: dict[str, Any] | None = None
    error_code: int | None = None
    post_session_metadata: dict[str, Any] | None = None
    file: File | None = None
    request_params: dict[str, Any] | None = None
    result: Result | None = None


class JobPage(msgspec.Struct, frozen=True):
    """A page of the list; ``next`` is the link to the following one."""

    next: str | None
    items: tuple[Job, ...]
