"""Webhook endpoints for the sessions of one key or of all keys, and their signing secrets."""

import base64
import secrets
import uuid

import msgspec
import sqlalchemy as sql

from vivavoce.delivery.ledger import RefusedWorkError
from vivavoce.delivery.tables import endpoint_table, message_table, queue_table, secret_table

SECRET_BYTES = 32
MOST_SECRETS = 2
"""While a secret is being replaced, both the new and the previous one sign."""

_endpoints = endpoint_table.c
_queues = queue_table.c
_CALLBACK_SECRETS = sql.select(secret_table.c.secrets).where(
    secret_table.c.owner == sql.bindparam("this_owner")
)


class UnknownEndpointError(RefusedWorkError):
    """The endpoint does not exist, or it belongs to another key."""


class TooManyEndpointsError(RefusedWorkError):
    """The key already has the maximum number of endpoints."""


class Endpoint(msgspec.Struct, frozen=True):
    """A webhook endpoint.

    Attributes:
        owner: name of the key whose sessions it receives; None for the sessions of every key.
        secrets: secrets that sign its messages, newest first.
        created_at: Unix time in seconds.
        disabled_at: Unix time since which nothing is sent to it; ``cause`` is the reason.
    """

    id: str
    owner: str | None
    url: str
    secrets: tuple[str, ...]
    created_at: float
    disabled_at: float | None = None
    cause: str | None = None


def new_secret() -> str:
    """Return a new signing secret in the format of Standard Webhooks."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def add(db: sql.Connection, url: str, owner: str | None, now: float) -> Endpoint:
    """Add an endpoint with a new secret."""
    made = Endpoint(f"ep_{uuid.uuid4().hex}", owner, url, (new_secret(),), now)
    row = msgspec.structs.asdict(made) | {"secrets": encode_secrets(made.secrets)}
    db.execute(sql.insert(endpoint_table), row)
    return made


def add_bounded(db: sql.Connection, url: str, owner: str, now: float, most: int) -> Endpoint:
    """Add an endpoint unless its key has ``most`` already; counted in the same commit.

    Raises:
        TooManyEndpointsError: the key has ``most`` endpoints.
    """
    if len(every(db, owner)) >= most:
        raise TooManyEndpointsError(owner)
    return add(db, url, owner, now)


def every(db: sql.Connection, owner: str | None = None) -> list[Endpoint]:
    """Return all endpoints, or those that one key has added, oldest first."""
    select = sql.select(endpoint_table).order_by(_endpoints.created_at, _endpoints.id)
    if owner is not None:
        select = select.where(_endpoints.owner == owner)
    return [_endpoint(row) for row in db.execute(select)]


def find(db: sql.Connection, endpoint_id: str, owner: str | None = None) -> Endpoint:
    """Return one endpoint; with ``owner``, only if that key has added it.

    Raises:
        UnknownEndpointError: no such endpoint.
    """
    row = db.execute(sql.select(endpoint_table).where(_endpoints.id == endpoint_id)).one_or_none()
    if row is None or owner not in {None, row.owner}:
        raise UnknownEndpointError(endpoint_id)
    return _endpoint(row)


def remove(db: sql.Connection, endpoint_id: str, owner: str | None = None) -> None:
    """Remove an endpoint with its queues and all their messages.

    Raises:
        UnknownEndpointError: no such endpoint.
    """
    find(db, endpoint_id, owner)
    keys = sql.select(_queues.key).where(_queues.endpoint == endpoint_id, _queues.webhook)
    db.execute(sql.delete(message_table).where(message_table.c.queue.in_(keys)))
    db.execute(sql.delete(queue_table).where(_queues.endpoint == endpoint_id, _queues.webhook))
    db.execute(sql.delete(endpoint_table).where(_endpoints.id == endpoint_id))


def enable(db: sql.Connection, endpoint_id: str, owner: str | None = None) -> Endpoint:
    """Enable an endpoint that was disabled.

    Raises:
        UnknownEndpointError: no such endpoint.
    """
    return _change(db, endpoint_id, owner, disabled_at=None, cause=None)


def rotate(db: sql.Connection, endpoint_id: str, owner: str | None = None) -> Endpoint:
    """Give an endpoint a new secret; the previous secret keeps signing as well.

    Raises:
        UnknownEndpointError: no such endpoint.
    """
    kept = find(db, endpoint_id, owner).secrets[: MOST_SECRETS - 1]
    return _change(db, endpoint_id, owner, secrets=encode_secrets((new_secret(), *kept)))


def _change(db: sql.Connection, endpoint_id: str, owner: str | None, **values: object) -> Endpoint:
    find(db, endpoint_id, owner)
    db.execute(sql.update(endpoint_table).where(_endpoints.id == endpoint_id).values(values))
    return find(db, endpoint_id)


def callback_secrets(db: sql.Connection, owner: str) -> tuple[str, ...]:
    """Return the secrets that sign a key's callbacks; the first is created on first use."""
    found = db.execute(_CALLBACK_SECRETS, {"this_owner": owner}).scalar()
    if found is not None:
        return decode_secrets(found)
    made = (new_secret(),)
    db.execute(sql.insert(secret_table), {"owner": owner, "secrets": encode_secrets(made)})
    return made


def rotate_callback_secret(db: sql.Connection, owner: str) -> tuple[str, ...]:
    """Give a key's callbacks a new secret; the previous secret keeps signing as well."""
    rotated = (new_secret(), *callback_secrets(db, owner)[: MOST_SECRETS - 1])
    update = sql.update(secret_table).where(secret_table.c.owner == owner)
    db.execute(update.values(secrets=encode_secrets(rotated)))
    return rotated


def encode_secrets(values: tuple[str, ...]) -> str:
    """Encode secrets for the database."""
    return msgspec.json.encode(values).decode()


def decode_secrets(text: str) -> tuple[str, ...]:
    """Decode secrets from the database."""
    return msgspec.json.decode(text, type=tuple[str, ...])


def _endpoint(row: sql.Row[tuple[object, ...]]) -> Endpoint:
    return Endpoint(
        row.id,
        row.owner,
        row.url,
        decode_secrets(row.secrets),
        row.created_at,
        row.disabled_at,
        row.cause,
    )
