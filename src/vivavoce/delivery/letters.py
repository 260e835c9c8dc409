"""Backlogs and dead letters for display, and redelivery of dead letters."""

import msgspec
import sqlalchemy as sql

from vivavoce.delivery.tables import endpoint_table, message_table, queue_table

_queues = queue_table.c
_messages = message_table.c
_dead = _messages.died_at.is_not(None)
_IDS_AT_ONCE = 500


class Backlog(msgspec.Struct, frozen=True):
    """A queue with waiting or dead messages.

    Attributes:
        endpoint: id of a webhook endpoint, or the URL of a callback.
        due: Unix time of the next attempt; None if no message waits.
        cause: why the last attempt failed.
    """

    session: str
    endpoint: str
    waiting: int
    dead: int
    failures: int
    due: float | None
    cause: str | None


class DeadLetter(msgspec.Struct, frozen=True):
    """A message that is no longer retried."""

    id: str
    session: str
    endpoint: str
    event: str
    created_at: float
    died_at: float
    tries: int
    cause: str | None


class Outstanding(msgspec.Struct, frozen=True):
    """The undelivered messages in all queues.

    Attributes:
        waiting: number of waiting messages; NaN if the database is unavailable.
        dead: number of dead letters; NaN if the database is unavailable.
        since: Unix time since which the oldest message waits; None if none waits.
    """

    waiting: float = 0
    dead: float = 0
    since: float | None = None


class Choice(msgspec.Struct, frozen=True):
    """A filter for dead letters, which must match every given field."""

    ids: tuple[str, ...] = ()
    session: str | None = None
    endpoint: str | None = None


def backlogs(db: sql.Connection, most: int) -> list[Backlog]:
    """Return the queues with messages, those with the most consecutive failures first."""
    waiting = sql.func.sum(sql.case((_dead, 0), else_=1))
    dead = sql.func.sum(sql.case((_dead, 1), else_=0))
    select = (
        sql.select(
            _queues.session, _queues.endpoint, waiting, dead,
            _queues.failures, _queues.due, _queues.cause,
        )
        .join(message_table, _messages.queue == _queues.key)
        .group_by(_queues.key)
        .order_by(_queues.failures.desc(), _queues.key)
        .limit(most)
    )  # fmt: skip
    return [Backlog(*row) for row in db.execute(select)]


def dead_letters(db: sql.Connection, choice: Choice, most: int) -> list[DeadLetter]:
    """Return the dead letters that match, oldest first."""
    select = (
        sql.select(
            _messages.id, _queues.session, _queues.endpoint, _messages.event,
            _messages.created_at, _messages.died_at, _messages.tries, _messages.cause,
        )
        .join(queue_table, _messages.queue == _queues.key)
        .where(_dead, *_chosen(choice))
        .order_by(_messages.key)
        .limit(most)
    )  # fmt: skip
    return [DeadLetter(*row) for row in db.execute(select)]


def redeliver(db: sql.Connection, choice: Choice, now: float) -> int:
    """Requeue dead letters for delivery, in their original order; returns their number.

    Dead letters of a disabled webhook endpoint are left unchanged.
    """
    disabled = sql.select(endpoint_table.c.id).where(endpoint_table.c.disabled_at.is_not(None))
    queues = (
        sql.select(_queues.key)
        .join(message_table, _messages.queue == _queues.key)
        .where(_dead, *_chosen(choice), _queues.endpoint.not_in(disabled))
        .distinct()
    )
    keys = db.execute(queues).scalars().all()
    count = 0
    for start in range(0, len(keys), _IDS_AT_ONCE):
        some = keys[start : start + _IDS_AT_ONCE]
        letters = _dead & _messages.queue.in_(some)
        if choice.ids:
            letters &= _messages.id.in_(choice.ids)
        update = sql.update(message_table).where(letters)
        count += db.execute(update.values(died_at=None, cause=None, tries=0)).rowcount
        fresh = {"due": now, "failures": 0, "since": None, "closed": False, "cause": None}
        db.execute(sql.update(queue_table).where(_queues.key.in_(some)).values(fresh))
    return count


def outstanding(db: sql.Connection) -> Outstanding:
    """Count waiting messages and dead letters by index, as metrics are read often."""
    alive = _messages.died_at.is_(None)
    count = sql.select(sql.func.count()).select_from(message_table)
    oldest = sql.select(_messages.created_at).where(alive).order_by(_messages.key).limit(1)
    return Outstanding(
        waiting=db.execute(count.where(alive)).scalar_one(),
        dead=db.execute(count.where(_dead)).scalar_one(),
        since=db.execute(oldest).scalar(),
    )


def _chosen(choice: Choice) -> list[sql.ColumnElement[bool]]:
    wanted: list[sql.ColumnElement[bool]] = []
    if choice.ids:
        wanted.append(_messages.id.in_(choice.ids))
    if choice.session is not None:
        wanted.append(_queues.session == choice.session)
    if choice.endpoint is not None:
        wanted.append(_queues.endpoint == choice.endpoint)
    return wanted
