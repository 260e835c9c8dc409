"""Enqueues outbox events from the journal: each becomes a message in each of its queues."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import sqlalchemy as sql
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError

from vivavoce.delivery import bodies
from vivavoce.delivery.announcement import Announcement, decode
from vivavoce.delivery.tables import (
    endpoint_table,
    mark_table,
    message_table,
    queue_table,
    unreadable_table,
)
from vivavoce.journal.port import Announced

MARK = "announcements"

_DATABASE_FAILED = (OperationalError, InternalError, InterfaceError)
"""Errors of the database itself, not of the stored data."""

_queues = queue_table.c
_endpoints = endpoint_table.c
_FIND = sql.select(_queues.key, _queues.closed).where(
    _queues.session == sql.bindparam("this_session"),
    _queues.endpoint == sql.bindparam("this_endpoint"),
)


@dataclass(frozen=True, slots=True)
class SetAside:
    """An unreadable outbox event, and the error."""

    number: int
    error: Exception


def mark(db: sql.Connection) -> int:
    """Return the number of the last outbox event that was enqueued; 0 for none."""
    select = sql.select(mark_table.c.number).where(mark_table.c.name == MARK)
    return db.execute(select).scalar() or 0


def set_mark(db: sql.Connection, number: int) -> None:
    """Store the number of the last outbox event that was enqueued."""
    update = sql.update(mark_table).where(mark_table.c.name == MARK)
    if not db.execute(update.values(number=number)).rowcount:
        db.execute(sql.insert(mark_table), {"name": MARK, "number": number})


def take(db: sql.Connection, block: Sequence[Announced], now: float) -> list[SetAside]:
    """Enqueue a block and advance the mark in one transaction: no event is enqueued twice.

    Returns:
        The unreadable events, which are stored separately with the reason.

    Raises:
        sqlalchemy.exc.OperationalError: the database failed; nothing was enqueued.
    """
    try:
        _take(db, block, now)
        aside = []
    except _DATABASE_FAILED:
        raise
    except Exception:  # noqa: BLE001  one by one, to find the unreadable events
        aside = [found for one in block if (found := _take_alone(db, one, now))]
    set_mark(db, block[-1].number)
    return aside


def _take(db: sql.Connection, block: Sequence[Announced], now: float) -> None:
    """Enqueue outbox events, all of them or none."""
    with db.begin_nested():
        intake = _Intake(db, now)
        for announced in block:
            intake.take(announced.number, decode(announced.data))
        intake.flush()


def _take_alone(db: sql.Connection, announced: Announced, now: float) -> SetAside | None:
    """Enqueue one outbox event, or store it as unreadable."""
    try:
        _take(db, [announced], now)
    except _DATABASE_FAILED:
        raise
    except Exception as error:  # noqa: BLE001  the caller reports it
        row = {
            "number": announced.number,
            "data": announced.data,
            "reason": type(error).__qualname__,
            "found_at": now,
        }
        db.execute(sql.insert(unreadable_table), row)
        return SetAside(announced.number, error)
    return None


def origin_of(url: str) -> str:
    """Return scheme, host and port of a URL, by which requests are limited."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()


@dataclass(frozen=True, slots=True)
class _Place:
    """A queue, and whether it is closed (its endpoint is gone)."""

    key: int
    closed: bool


@dataclass(slots=True)
class _Intake:
    db: sql.Connection
    now: float
    _rows: list[dict[str, object]] = field(default_factory=list)
    _places: dict[tuple[str, str], _Place] = field(default_factory=dict)
    _hooks: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def take(self, number: int, announcement: Announcement) -> None:
        event = bodies.event_of(announcement.message)
        session = announcement.session
        if announcement.callback is not None:
            place = self._place(announcement, announcement.callback, announcement.callback)
            body = bodies.callback_body(session, announcement.message)
            self._add(place, f"msg_{session}_{number}", event, body)
        if announcement.lifecycle:
            for endpoint, url in self._hooks_of(announcement.owner):
                place = self._place(announcement, endpoint, url)
                body = bodies.webhook_body(session, event)
                self._add(place, f"msg_{session}_{number}_{endpoint}", event, body)

    def _add(self, place: _Place, message_id: str, event: str, body: bytes) -> None:
        self._rows.append({
            "queue": place.key,
            "id": message_id,
            "event": event,
            "body": body,
            "created_at": self.now,
            "died_at": self.now if place.closed else None,
            "cause": "the endpoint is gone" if place.closed else None,
        })  # fmt: skip

    def flush(self) -> None:
        """Store the collected messages, and make their open queues due."""
        if not self._rows:
            return
        self.db.execute(sql.insert(message_table), self._rows)
        open_keys = [place.key for place in self._places.values() if not place.closed]
        self.db.execute(
            sql.update(queue_table)
            .where(_queues.key.in_(open_keys))
            .values(due=sql.func.coalesce(_queues.due, self.now), touched=self.now)
        )

    def _place(self, announcement: Announcement, endpoint: str, url: str) -> _Place:
        name = announcement.session, endpoint
        if name not in self._places:
            self._places[name] = self._find(*name) or self._make(announcement, endpoint, url)
        return self._places[name]

    def _find(self, session: str, endpoint: str) -> _Place | None:
        values = {"this_session": session, "this_endpoint": endpoint}
        row = self.db.execute(_FIND, values).one_or_none()
        return None if row is None else _Place(row.key, row.closed)

    def _make(self, announcement: Announcement, endpoint: str, url: str) -> _Place:
        row = {
            "session": announcement.session,
            "owner": announcement.owner,
            "endpoint": endpoint,
            "webhook": endpoint != url,
            "origin": origin_of(url),
            "touched": self.now,
        }
        made = self.db.execute(sql.insert(queue_table), row).inserted_primary_key
        if made is None:
            raise AssertionError("an inserted row has a key")
        return _Place(made[0], closed=False)

    def _hooks_of(self, owner: str) -> list[tuple[str, str]]:
        """Return id and URL of the enabled endpoints for a key's sessions."""
        if owner not in self._hooks:
            select = (
                sql.select(_endpoints.id, _endpoints.url)
                .where(_endpoints.disabled_at.is_(None))
                .where(sql.or_(_endpoints.owner.is_(None), _endpoints.owner == owner))
                .order_by(_endpoints.created_at, _endpoints.id)
            )
            self._hooks[owner] = [(row.id, row.url) for row in self.db.execute(select)]
        return self._hooks[owner]
