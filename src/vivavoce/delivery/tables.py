"""The tables of deliveries: endpoints, queues, messages, secrets and the outbox position."""

import sqlalchemy as sql

tables = sql.MetaData()

endpoint_table = sql.Table(
    "endpoint",
    tables,
    sql.Column("id", sql.Text, primary_key=True),
    sql.Column("owner", sql.Text),  # NULL: sessions of every key
    sql.Column("url", sql.Text, nullable=False),
    sql.Column("secrets", sql.Text, nullable=False),  # JSON list, newest first
    sql.Column("created_at", sql.Double, nullable=False),
    sql.Column("disabled_at", sql.Double),
    sql.Column("cause", sql.Text),
)

# A queue holds the messages of one session for one endpoint: a webhook, or a callback's URL.
queue_table = sql.Table(
    "queue",
    tables,
    sql.Column("key", sql.Integer, primary_key=True),
    sql.Column("session", sql.Text, nullable=False),
    sql.Column("owner", sql.Text, nullable=False),
    sql.Column("endpoint", sql.Text, nullable=False),  # a webhook's id, or the callback's URL
    sql.Column("webhook", sql.Boolean, nullable=False),
    sql.Column("origin", sql.Text, nullable=False),
    sql.Column("due", sql.Double),  # NULL while no message waits
    sql.Column("failures", sql.Integer, nullable=False, default=0),
    sql.Column("since", sql.Double),
    sql.Column("cause", sql.Text),
    sql.Column("lean", sql.Boolean, nullable=False, default=False),
    sql.Column("closed", sql.Boolean, nullable=False, default=False),
    sql.Column("touched", sql.Double, nullable=False),
    sql.UniqueConstraint("session", "endpoint"),
    sql.Index("queue_due", "due"),
)

message_table = sql.Table(
    "message",
    tables,
    sql.Column("key", sql.Integer, primary_key=True),
    sql.Column("queue", sql.Integer, sql.ForeignKey("queue.key"), nullable=False),
    sql.Column("id", sql.Text, nullable=False),  # the same for every attempt
    sql.Column("event", sql.Text, nullable=False),
    sql.Column("body", sql.LargeBinary, nullable=False),
    sql.Column("created_at", sql.Double, nullable=False),
    sql.Column("tries", sql.Integer, nullable=False, default=0),
    sql.Column("died_at", sql.Double),
    sql.Column("cause", sql.Text),
    sql.Index("message_waiting", "queue", "died_at", "key"),
    sql.Index("message_dead", "died_at"),
    sqlite_autoincrement=True,
)

secret_table = sql.Table(
    "secret",  # secrets that sign the callbacks of a key's sessions
    tables,
    sql.Column("owner", sql.Text, primary_key=True),
    sql.Column("secrets", sql.Text, nullable=False),
)

mark_table = sql.Table(
    "mark",  # number of the last outbox event that was enqueued
    tables,
    sql.Column("name", sql.Text, primary_key=True),
    sql.Column("number", sql.BigInteger, nullable=False),
)

unreadable_table = sql.Table(
    "unreadable_announcement",  # stored with the reason, for repair
    tables,
    sql.Column("number", sql.BigInteger, primary_key=True, autoincrement=False),
    sql.Column("data", sql.LargeBinary, nullable=False),
    sql.Column("reason", sql.Text, nullable=False),
    sql.Column("found_at", sql.Double, nullable=False),
)
