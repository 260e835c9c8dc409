"""Queries and updates of the delivery queues: due queues, their messages, and outcomes."""

from collections.abc import Iterable, Sequence

import msgspec
import sqlalchemy as sql

from vivavoce.delivery.schedule import Standing
from vivavoce.delivery.tables import (
    endpoint_table,
    message_table,
    queue_table,
    unreadable_table,
)

PAGE = 16
PAGE_BYTES = 256 * 1024
IDLE_SECONDS = 3600.0
DEAD_SECONDS = 30 * 86_400.0

_queues = queue_table.c
_messages = message_table.c
_endpoints = endpoint_table.c
_alive = _messages.died_at.is_(None)

# Statements used for every message are built once: building one costs as much as running it.
_this_queue: sql.BindParameter[int] = sql.bindparam("this_queue")
_this_message: sql.BindParameter[int] = sql.bindparam("this_message")
_PAGE = (
    sql.select(_messages.key, _messages.id, _messages.event, _messages.body)
    .where(_messages.queue == _this_queue, _alive)
    .order_by(_messages.key)
    .limit(PAGE)
)
_DELETE = sql.delete(message_table).where(_messages.key == _this_message)
_STAND = (
    sql.update(queue_table)
    .where(_queues.key == _this_queue)
    .values(
        failures=sql.bindparam("now_failures"),
        since=sql.bindparam("now_since"),
        cause=sql.bindparam("now_cause"),
        # A queue has a due time only while a message waits in it.
        due=sql.case(
            (sql.exists().where(_messages.queue == _this_queue, _alive), sql.bindparam("now_due")),
            else_=None,
        ),
    )
)


class Queue(msgspec.Struct, frozen=True):
    """A queue that is due.

    Attributes:
        endpoint: id of the webhook endpoint; the URL if ``webhook`` is false.
        secrets: secrets of a webhook endpoint as JSON; None for a callback.
        lean: whether the endpoint has refused a message as too large.
    """

    key: int
    owner: str
    endpoint: str
    webhook: bool
    url: str
    origin: str
    secrets: str | None
    lean: bool
    standing: Standing


class Waiting(msgspec.Struct, frozen=True):
    """A message waiting to be sent."""

    key: int
    id: str
    event: str
    body: bytes


class Barred(msgspec.Struct, frozen=True):
    """Queues and origins that must not be sent to at present.

    Attributes:
        keys: queues being sent or postponed.
        origins: origins at their limit of requests.
        retries: whether no retry may start at all.
        retries_to: origins to which no retry may start.
    """

    keys: Sequence[int] = ()
    origins: Sequence[str] = ()
    retries: bool = False
    retries_to: Sequence[str] = ()


def due(db: sql.Connection, now: float, barred: Barred, most: int) -> list[Queue]:
    """Return the due queues that are not barred, longest overdue first."""
    select = (
        sql.select(queue_table, _endpoints.url, _endpoints.secrets)
        .join(endpoint_table, _endpoints.id == _queues.endpoint, isouter=True)
        .where(
            _queues.due <= now,
            _queues.key.not_in(barred.keys),
            _queues.origin.not_in(barred.origins),
            _endpoints.disabled_at.is_(None),
        )
        .order_by(_queues.due, _queues.key)
        .limit(most)
    )
    if barred.retries:
        select = select.where(_queues.failures == 0)
    elif barred.retries_to:
        again = sql.and_(_queues.failures > 0, _queues.origin.in_(barred.retries_to))
        select = select.where(sql.not_(again))
    return [_queue(row) for row in db.execute(select)]


def next_due(db: sql.Connection, now: float) -> float | None:
    """Return the next due time of any queue after ``now``; None if there is none."""
    select = sql.select(sql.func.min(_queues.due)).where(_queues.due > now)
    return db.execute(select).scalar()


def _queue(row: sql.Row[tuple[object, ...]]) -> Queue:
    return Queue(
        key=row.key,
        owner=row.owner,
        endpoint=row.endpoint,
        webhook=row.webhook,
        url=row.url if row.webhook else row.endpoint,
        origin=row.origin,
        secrets=row.secrets,
        lean=row.lean,
        standing=Standing(row.failures, row.since, row.due),
    )


def page(db: sql.Connection, queue: int) -> list[Waiting]:
    """Return the first waiting messages of a queue: at most ``PAGE``, fewer if they are large."""
    rows = db.execute(_PAGE, {"this_queue": queue})
    found: list[Waiting] = []
    size = 0
    for row in rows:
        found.append(Waiting(row.key, row.id, row.event, row.body))
        size += len(row.body)
        if size >= PAGE_BYTES:
            break
    rows.close()
    return found


def delivered(db: sql.Connection, queue: int, message: int, standing: Standing) -> None:
    """Delete a delivered message."""
    db.execute(_DELETE, {"this_message": message})
    _stand(db, queue, standing, None)


def failed(db: sql.Connection, queue: int, message: int, standing: Standing, cause: str) -> None:
    """Store a failed attempt that will be retried."""
    _note_try(db, message, cause)
    _stand(db, queue, standing, cause)


def too_large(db: sql.Connection, queue: int, message: int, standing: Standing) -> None:
    """Reduce the bodies sent to an endpoint from now on, beginning with this message."""
    _note_try(db, message, "too large")
    db.execute(sql.update(queue_table).where(_queues.key == queue).values(lean=True))
    _stand(db, queue, standing, None)


def given_up(
    db: sql.Connection, queue: int, message: int, standing: Standing, cause: str, now: float
) -> None:
    """Turn a message into a dead letter, which can be redelivered on request."""
    _note_try(db, message, cause)
    dead = {"died_at": now}
    db.execute(sql.update(message_table).where(_messages.key == message).values(dead))
    _stand(db, queue, standing, cause)


def gone(db: sql.Connection, queue: Queue, cause: str, now: float) -> None:
    """Disable an endpoint that is gone; its waiting messages become dead letters."""
    if queue.webhook:
        disable = sql.update(endpoint_table).where(_endpoints.id == queue.endpoint)
        db.execute(disable.values(disabled_at=now, cause=cause))
        keys = sql.select(_queues.key).where(_queues.endpoint == queue.endpoint, _queues.webhook)
    else:
        close = sql.update(queue_table).where(_queues.key == queue.key)
        db.execute(close.values(closed=True))
        keys = sql.select(_queues.key).where(_queues.key == queue.key)
    waiting = sql.update(message_table).where(_messages.queue.in_(keys), _alive)
    db.execute(waiting.values(died_at=now, cause=cause))
    db.execute(sql.update(queue_table).where(_queues.key.in_(keys)).values(due=None, cause=cause))


def _note_try(db: sql.Connection, message: int, cause: str) -> None:
    update = sql.update(message_table).where(_messages.key == message)
    db.execute(update.values(tries=_messages.tries + 1, cause=cause))


def _stand(db: sql.Connection, queue: int, standing: Standing, cause: str | None) -> None:
    """Store the retry state of a queue."""
    values = {
        "this_queue": queue,
        "now_failures": standing.failures,
        "now_since": standing.since,
        "now_due": standing.due,
        "now_cause": cause,
    }
    db.execute(_STAND, values)


def forget_session(db: sql.Connection, session: str) -> None:
    """Remove the queues of a session with all their messages."""
    _remove(db, db.execute(sql.select(_queues.key).where(_queues.session == session)).scalars())


def tidy(db: sql.Connection, now: float) -> None:
    """Remove dead letters and unreadable events after 30 days, empty queues after an idle hour."""
    old = sql.delete(message_table).where(_messages.died_at < now - DEAD_SECONDS)
    db.execute(old)
    aside = unreadable_table.c.found_at < now - DEAD_SECONDS
    db.execute(sql.delete(unreadable_table).where(aside))
    anything = sql.exists().where(_messages.queue == _queues.key)
    idle = sql.select(_queues.key).where(
        _queues.touched < now - IDLE_SECONDS, _queues.due.is_(None), sql.not_(anything)
    )
    db.execute(sql.delete(queue_table).where(_queues.key.in_(idle)))


def _remove(db: sql.Connection, keys: Iterable[int]) -> None:
    for key in list(keys):
        db.execute(sql.delete(message_table).where(_messages.queue == key))
        db.execute(sql.delete(queue_table).where(_queues.key == key))
