"""The bounds of wrong keys, log lines and the erasure of deleted data, for the table of limits."""

from vivavoce.archive import log_erasure
from vivavoce.journal import store, writer
from vivavoce.server import failed_keys, log_throttle, redaction, tracebacks
from vivavoce.server.limit import Limit

GUARDS: tuple[Limit, ...] = (
    Limit(
        "requests",
        "wrong keys from one address (IPv6: one /64) within a minute",
        failed_keys.FREE_FAILURES,
        "requests",
        "answers to further wrong keys are delayed; valid keys are not",
    ),
    Limit(
        "requests",
        "window for counting wrong keys",
        failed_keys.WINDOW_SECONDS,
        "s",
        "`key_refused` is logged once per window and address",
    ),
    Limit(
        "requests", "delay of answers to wrong keys", failed_keys.DELAY_SECONDS, "s", "401 follows"
    ),
    Limit(
        "requests",
        "addresses remembered for counting wrong keys",
        failed_keys.MOST_ADDRESSES,
        "addresses",
        "the least recently used entry is dropped",
    ),
    Limit(
        "requests",
        "log lines of one event in a burst",
        log_throttle.LINES_AT_ONCE,
        "lines",
        "further lines are dropped; the next line counts them as `suppressed`",
    ),
    Limit(
        "requests",
        "sustained rate of log lines of one event",
        log_throttle.LINES_PER_SECOND,
        "per s",
        "further lines are dropped; the next line counts them as `suppressed`",
    ),
    Limit(
        "requests",
        "log events counted",
        log_throttle.MOST_KINDS,
        "kinds",
        "the least recently used entry is dropped",
    ),
    Limit("requests", "text in a log line", redaction.MAX_CHARACTERS, "characters", "shortened"),
    Limit(
        "requests",
        "levels within a value of a log line",
        redaction.MAX_LEVELS,
        "levels",
        "deeper levels are omitted",
    ),
    Limit("requests", "traceback in a log line", tracebacks.MAX_CHARACTERS, "characters", "cut"),
    Limit("requests", "causes in a traceback", tracebacks.MAX_CAUSES, "causes", "left out"),
    Limit(
        "journal",
        "time between two erasures of deleted data from the log",
        writer.ERASE_SECONDS,
        "s",
        "deleted data is gone from every file within a minute",
    ),
    Limit(
        "journal",
        "time an erasure waits for readers",
        store.ERASE_WAIT_MS,
        "ms",
        "the erasure is postponed, so that acks do not wait longer",
    ),
    Limit(
        "journal",
        "time until a postponed erasure is retried",
        writer.ERASE_RETRY_SECONDS,
        "s",
        "the erasure is tried again",
    ),
    Limit(
        "requests",
        "time from a deletion to its erasure from the logs of records and deliveries",
        log_erasure.ERASE_SECONDS,
        "s",
        "the log is emptied",
    ),
    Limit(
        "requests",
        "time the erasure waits for readers",
        log_erasure.ERASE_WAIT_MS,
        "ms",
        "the erasure is postponed",
    ),
)
