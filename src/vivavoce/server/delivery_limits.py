"""The bounds of deliveries, for the table of limits."""

from vivavoce.delivery import (
    bodies,
    connecting,
    dispatcher,
    endpoints,
    ledger,
    queues,
    relay,
    resolver,
    schedule,
    targets,
)
from vivavoce.delivery.safe_http import Bounds
from vivavoce.delivery.slots import Slots
from vivavoce.server.limit import Limit, from_setting

_SLOTS, _BOUNDS = Slots(), Bounds()

DELIVERIES: tuple[Limit, ...] = (
    Limit("deliveries", "requests at once", _SLOTS.total, "requests", "the next wait"),
    Limit(
        "deliveries",
        "requests at once to one scheme, host and port",
        _SLOTS.per_origin,
        "requests",
        "the next wait; what has failed before takes at most half",
    ),
    Limit("deliveries", "time dead letters are kept", queues.DEAD_SECONDS, "s", "deleted"),
    Limit(
        "deliveries",
        "longest `Retry-After` that is obeyed",
        schedule.MOST_RETRY_AFTER,
        "s",
        "tried again then",
    ),
    Limit(
        "deliveries",
        "callback after a 413",
        bodies.LEAN_BYTES,
        "bytes",
        "shortened, with a link",
    ),
    Limit(
        "deliveries",
        "addresses of a host that are tried",
        connecting.MAX_ADDRESSES,
        "addresses",
        "the try has failed",
    ),
    Limit(
        "deliveries",
        "time to connect, look-up and TLS included",
        _BOUNDS.connect,
        "s",
        "the try has failed",
    ),
    Limit("deliveries", "time until an endpoint answers", _BOUNDS.total, "s", "the try has failed"),
    Limit(
        "deliveries", "read of an answer", _BOUNDS.body, "bytes", "its connection is not used again"
    ),
    Limit("deliveries", "time for that", _BOUNDS.rest, "s", "as above"),
    Limit(
        "deliveries",
        "connections at once, tests of webhooks included",
        _BOUNDS.connections,
        "connections",
        "the next wait",
    ),
    Limit(
        "deliveries",
        "connections kept while idle",
        _BOUNDS.kept,
        "connections",
        "the oldest is closed",
    ),
    Limit("deliveries", "time that they are kept", _BOUNDS.idle, "s", "closed"),
    Limit("deliveries", "names looked up at once", resolver.THREADS, "names", "the next wait"),
    Limit(
        "deliveries",
        "names looked up at once for one key",
        resolver.SHARE,
        "names",
        "its next wait, outside of the time to connect",
    ),
    Limit("deliveries", "URL of an endpoint", targets.MAX_URL, "characters", "422"),
    Limit("deliveries", "host in it", targets.MAX_HOST, "characters", "422"),
    Limit(
        "deliveries",
        "secrets that sign at once",
        endpoints.MOST_SECRETS,
        "secrets",
        "the oldest is forgotten",
    ),
    Limit(
        "deliveries",
        "messages of a queue in memory",
        queues.PAGE,
        "messages",
        "the rest stays on disk",
    ),
    Limit("deliveries", "the same", queues.PAGE_BYTES, "bytes", "as above"),
    Limit(
        "deliveries",
        "changes of one commit",
        ledger.GROUP,
        "changes",
        "the rest goes into the next",
    ),
    Limit("deliveries", "time an empty queue is remembered", queues.IDLE_SECONDS, "s", "deleted"),
    Limit(
        "deliveries",
        "time until a change by the command line is seen",
        dispatcher.POLL_SECONDS,
        "s",
        "seen",
    ),
    Limit(
        "deliveries",
        "time until a database that refused is tried again",
        dispatcher.LEDGER_RETRY_SECONDS,
        "s",
        "for ever, as nothing is lost",
    ),
    Limit("deliveries", "the same, of the journal", relay.RETRY_SECONDS, "s", "as above"),
    from_setting(
        "deliveries", "callback_give_up", "s", "time of failing", "kept apart as a dead letter"
    ),
)
