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
        "answers to further ones are delayed; right keys are not held up",
    ),
    Limit(
        "requests",
        "the window for them",
        failed_keys.WINDOW_SECONDS,
        "s",
        "`key_refused` is logged once in it for each address",
    ),
    Limit("requests", "delay of such an answer", failed_keys.DELAY_SECONDS, "s", "401 follows"),
    Limit(
        "requests",
        "addresses remembered for it",
        failed_keys.MOST_ADDRESSES,
        "addresses",
        "the one unused for longest is forgotten",
    ),
    Limit(
        "requests",
        "log lines of one kind at once",
        log_throttle.LINES_AT_ONCE,
        "lines",
        "the rest is left out; the next line says how many, as `suppressed`",
    ),
    Limit(
        "requests",
        "log lines of one kind in the long run",
        log_throttle.LINES_PER_SECOND,
        "per s",
        "the rest is left out; the next line says how many, as `suppressed`",
    ),
    Limit(
        "requests",
        "kinds of log lines that are counted",
        log_throttle.MOST_KINDS,
        "kinds",
        "the one unused for longest is forgotten",
    ),
    Limit("requests", "text in a log line", redaction.MAX_CHARACTERS, "characters", "shortened"),
    Limit(
        "requests",
        "levels within a value of a log line",
        redaction.MAX_LEVELS,
        "levels",
        "what is deeper is left out",
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
        "put off; acknowledgements wait no longer",
    ),
    Limit(
        "journal",
        "time to the next attempt",
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
        "time that erasure waits for readers",
        log_erasure.ERASE_WAIT_MS,
        "ms",
        "put off",
    ),
)
