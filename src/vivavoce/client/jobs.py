"""Decoded HTTP representations of sessions.

The server encodes them with ``protocol.result.Job``, parts of which are already JSON.
"""

from typing import Any

import msgspec

from vivavoce.protocol.result import File, Result, Status


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A session as returned by ``GET /v2/live/{id}``; ``result`` is set once it is done."""

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
    """A page of the list; ``next`` is the link to the next page."""

    next: str | None
    items: tuple[Job, ...]
