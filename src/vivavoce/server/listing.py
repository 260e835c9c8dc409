"""Query parameters and page links of the list of sessions. Contract §1.7."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.datastructures import QueryParams

from vivavoce.archive.port import Query, Status
from vivavoce.protocol.request import MAX_METADATA_CHARACTERS
from vivavoce.protocol.validation import InvalidParametersError

MAX_LIMIT = 100
MAX_NAME = 64

_KEYED = re.compile(r"custom_metadata\[([^\[\]]+)\]")


class Links(msgspec.Struct, frozen=True):
    """Absolute URLs of pages; ``next`` is None on the last."""

    first: str
    current: str
    next: str | None


class _Reader:
    """Reads query parameters and collects all faults."""

    def __init__(self, params: QueryParams) -> None:
        self._params = params
        self.faults: list[str] = []

    def whole(self, name: str, default: int, least: int) -> int:
        """Return an integer of at least ``least``."""
        given = self._params.get(name)
        if given is None:
            return default
        if not re.fullmatch(r"-?[0-9]{1,4000}", given):
            self.faults.append(f"{name} must be an integer")
            return default
        if int(given) < least:
            self.faults.append(f"{name} must not be less than {least}")
            return default
        return int(given)

    def moment(self, name: str) -> datetime | None:
        """Return an ISO 8601 date or date-time; UTC if it has no offset."""
        given = self._params.get(name)
        if given is None:
            return None
        try:
            # In a query a plus sign arrives as a space.
            parsed = datetime.fromisoformat(given.replace(" ", "+"))
            return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
        except (ValueError, OverflowError):  # UTC may be out of range near the limits
            self.faults.append(f"{name} must be an ISO 8601 date or date-time")
            return None

    def statuses(self) -> frozenset[Status]:
        """Return the values of ``status``."""
        given = self._params.getlist("status")
        known = {status.value for status in Status}
        if set(given) - known:
            self.faults.append(f"status must be one of the following values: {', '.join(Status)}")
        return frozenset(Status(value) for value in given if value in known)

    def texts(self) -> dict[str, str]:
        """Return the filters of the form ``custom_metadata[key]=text``."""
        found = {}
        for name, value in self._params.multi_items():
            if match := _KEYED.fullmatch(name):
                found[match[1]] = value
            elif name.startswith("custom_metadata["):
                # Ignoring the filter would return sessions that do not match it.
                self.faults.append(f"{_shown(name)} must be custom_metadata[key] or a JSON object")
        return found

    def contained(self) -> Mapping[str, Any]:
        """Return the filter of the form ``custom_metadata={"key":…}``."""
        given = self._params.get("custom_metadata")
        if given is None:
            return {}
        if len(given) > MAX_METADATA_CHARACTERS:
            limit = f"shorter than or equal to {MAX_METADATA_CHARACTERS} characters"
            self.faults.append(f"custom_metadata must be {limit}")
            return {}
        try:
            found: dict[str, Any] = msgspec.json.decode(given, type=dict[str, Any])
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            self.faults.append("custom_metadata must be a JSON object")
            return {}
        return found


def _shown(name: str) -> str:
    return name if len(name) <= MAX_NAME else f"{name[:MAX_NAME]}…"


def parse_query(params: QueryParams) -> Query:
    """Parse the query of a list.

    Raises:
        InvalidParametersError: with all faults.
    """
    reader = _Reader(params)
    day, before, after = (reader.moment(name) for name in ("date", "before_date", "after_date"))
    query = Query(
        offset=reader.whole("offset", 0, 0),
        limit=min(reader.whole("limit", 20, 1), MAX_LIMIT),
        day=day.date() if day else None,
        before=before.timestamp() if before else None,
        after=after.timestamp() if after else None,
        statuses=reader.statuses(),
        texts=reader.texts(),
        contains=reader.contained(),
    )
    if reader.faults:
        raise InvalidParametersError(reader.faults)
    return query


def page_links(base: str, params: QueryParams, query: Query, following: int | None) -> Links:
    """Return links that repeat all filters, based on the URL that the client used.

    ``following`` is the offset of the next page; None on the last.
    """
    filters = [(name, value) for name, value in params.multi_items() if name != "offset"]

    def page(offset: int) -> str:
        return f"{base}?{urlencode([*filters, ('offset', offset)])}"

    after = None if following is None else page(following)
    return Links(first=page(0), current=page(query.offset), next=after)
