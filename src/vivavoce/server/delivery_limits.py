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
    Limit("deliveries", "concurrent requests", _SLOTS.total, "requests", "further ones wait"),
    Limit(
        "deliveries",
        "concurrent requests to one scheme, host and port",
        _SLOTS.per_origin,
        "requests",
        "further requests wait; endpoints with failures use at most half",
    ),
    Limit("deliveries", "time dead letters are kept", queues.DEAD_SECONDS, "s", "deleted"),
    Limit(
        "deliveries",
        "maximum `Retry-After` that is honoured",
        schedule.MOST_RETRY_AFTER,
        "s",
        "retried after this time",
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
        "addresses of a host that are tried per attempt",
        connecting.MAX_ADDRESSES,
        "addresses",
        "the attempt fails",
    ),
    Limit(
        "deliveries",
        "time for name resolution, for the TCP connection and for TLS, each",
        _BOUNDS.connect,
        "s",
        "the attempt fails",
    ),
    Limit("deliveries", "time for an endpoint to answer", _BOUNDS.total, "s", "the attempt fails"),
    Limit(
        "deliveries", "bytes read of an answer", _BOUNDS.body, "bytes", "the connection is closed"
    ),
    Limit("deliveries", "time to read an answer", _BOUNDS.rest, "s", "the connection is closed"),
    Limit(
        "deliveries",
        "concurrent connections, webhook tests included",
        _BOUNDS.connections,
        "connections",
        "further ones wait",
    ),
    Limit(
        "deliveries",
        "idle connections",
        _BOUNDS.kept,
        "connections",
        "the oldest connection is closed",
    ),
    Limit("deliveries", "time an idle connection is kept", _BOUNDS.idle, "s", "closed"),
    Limit(
        "deliveries", "concurrent name resolutions", resolver.THREADS, "names", "further ones wait"
    ),
    Limit(
        "deliveries",
        "concurrent name resolutions per key",
        resolver.SHARE,
        "names",
        "further ones wait; the time to connect does not include this wait",
    ),
    Limit("deliveries", "URL of an endpoint", targets.MAX_URL, "characters", "422"),
    Limit(
        "deliveries", "host name in the URL of an endpoint", targets.MAX_HOST, "characters", "422"
    ),
    Limit(
        "deliveries",
        "secrets that sign concurrently",
        endpoints.MOST_SECRETS,
        "secrets",
        "the oldest is dropped",
    ),
    Limit(
        "deliveries",
        "messages per queue in memory",
        queues.PAGE,
        "messages",
        "further messages stay on disk",
    ),
    Limit(
        "deliveries",
        "bytes per queue in memory",
        queues.PAGE_BYTES,
        "bytes",
        "further messages stay on disk",
    ),
    Limit(
        "deliveries",
        "changes per commit",
        ledger.GROUP,
        "changes",
        "further ones go into the next commit",
    ),
    Limit("deliveries", "time an empty queue is remembered", queues.IDLE_SECONDS, "s", "deleted"),
    Limit(
        "deliveries",
        "time until the server sees a change made by the command line",
        dispatcher.POLL_SECONDS,
        "s",
        "the change takes effect",
    ),
    Limit(
        "deliveries",
        "delay before a failed database operation is retried",
        dispatcher.LEDGER_RETRY_SECONDS,
        "s",
        "retried indefinitely; nothing is lost",
    ),
    Limit(
        "deliveries",
        "delay before a failed read of the journal is retried",
        relay.RETRY_SECONDS,
        "s",
        "retried indefinitely; nothing is lost",
    ),
    from_setting(
        "deliveries",
        "callback_give_up",
        "s",
        "time of failed attempts",
        "the message becomes a dead letter",
    ),
)
