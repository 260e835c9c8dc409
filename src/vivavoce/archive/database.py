"""The table of records, and the opening of its database."""

import os
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from vivavoce.durable import make_folder, sync_folder

BUSY_SECONDS = 5

tables = sql.MetaData()

# JSON is stored as text: it is passed through unchanged, and every database supports text.
session_table = sql.Table(
    "session",
    tables,
    sql.Column("id", sql.Text, primary_key=True),
    sql.Column("owner", sql.Text, nullable=False),
    sql.Column("created_at", sql.Double, nullable=False),
    sql.Column("status", sql.Text, nullable=False),
    sql.Column("completed_at", sql.Double),
    sql.Column("error_code", sql.Integer),
    sql.Column("request", sql.Text, nullable=False),
    sql.Column("custom_metadata", sql.Text),
    sql.Column("post_session_metadata", sql.Text, nullable=False),
    sql.Column("file", sql.Text),
    sql.Column("result", sql.LargeBinary),  # megabytes: text would be decoded and encoded again
    sql.Index("session_newest", "owner", "created_at", "id"),
)


def connect(url: str, wanted: sql.MetaData = tables) -> sql.Engine:
    """Return an engine for the database at a URL, and create the wanted tables.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database cannot be opened.
        OSError: a local file cannot be created.
    """
    address = sql.make_url(url)
    if address.get_backend_name() == "sqlite":
        engine = _sqlite(address)
    else:
        engine = sql.create_engine(address, pool_pre_ping=True, hide_parameters=True)
    try:
        wanted.create_all(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def reason(error: SQLAlchemyError) -> str:
    """Return the database's message, without the statement and its parameters (client data)."""
    return str(error.orig) if isinstance(error, DBAPIError) else str(error).partition("\n")[0]


def _sqlite(address: sql.URL) -> sql.Engine:
    path = Path(address.database or "")
    make_folder(path.parent)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    sync_folder(path.parent)
    engine = sql.create_engine(
        address, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True
    )
    sql.event.listen(engine, "connect", _configure)
    return engine


def _configure(connection: Any, _: Any) -> None:
    """Set synced commits, readers concurrent with the writer, and overwriting of deleted data."""
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}").close()
