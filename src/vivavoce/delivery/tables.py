"""The tables of deliveries: who is told, what waits for whom, and how far the journal was read."""

import sqlalchemy as sql

tables = sql.MetaData()

endpoint_table = sql.Table(
    "endpoint",
    tables,
    sql.Column("id", sql.Text, primary_key=True),
    sql.Column("owner", sql.Text),  # none: of every key's sessions
    sql.Column("url", sql.Text, nullable=False),
    sql.Column("secrets", sql.Text, nullable=False),  # JSON list, the newest first
    sql.Column("created_at", sql.Double, nullable=False),
    sql.Column("disabled_at", sql.Double),
    sql.Column("cause", sql.Text),
)

# A queue is what one session has for one endpoint: a webhook's, or the callback's by its URL.
queue_table = sql.Table(
    "queue",
    tables,
    sql.Column("key", sql.Integer, primary_key=True),
    sql.Column("session", sql.Text, nullable=False),
    sql.Column("owner", sql.Text, nullable=False),
    sql.Column("endpoint", sql.Text, nullable=False),  # a webhook's id, or the callback's URL
    sql.Column("webhook", sql.Boolean, nullable=False),
    sql.Column("origin", sql.Text, nullable=False),
    sql.Column("due", sql.Double),  # none while nothing waits
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
    sql.Column("id", sql.Text, nullable=False),  # the same on every try
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
    "secret",  # what signs the callbacks of a key's sessions
    tables,
    sql.Column("owner", sql.Text, primary_key=True),
    sql.Column("secrets", sql.Text, nullable=False),
)

mark_table = sql.Table(
    "mark",  # how far the journal's announcements have been taken over
    tables,
    sql.Column("name", sql.Text, primary_key=True),
    sql.Column("number", sql.BigInteger, nullable=False),
)

unreadable_table = sql.Table(
    "unreadable_announcement",  # set aside with the reason, for repair; the others go on
    tables,
    sql.Column("number", sql.BigInteger, primary_key=True, autoincrement=False),
    sql.Column("data", sql.LargeBinary, nullable=False),
    sql.Column("reason", sql.Text, nullable=False),
    sql.Column("found_at", sql.Double, nullable=False),
)
