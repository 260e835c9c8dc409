"""Runs the server until a signal stops it."""

import asyncio
import contextlib
import os
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from functools import partial
from typing import cast

import structlog
import uvicorn
from starlette.applications import Starlette
from uvicorn.loops.auto import auto_loop_factory

from vivavoce.archive.port import ArchiveError
from vivavoce.delivery.ledger import LedgerError
from vivavoce.durable import make_folder
from vivavoce.journal.lock import FolderInUseError
from vivavoce.journal.port import JournalError
from vivavoce.recognition.model_errors import ModelError
from vivavoce.recognition.store import ModelStore
from vivavoce.server.addresses import is_loopback, is_unspecified
from vivavoce.server.app import build, open_routes
from vivavoce.server.collecting import seldom_collected
from vivavoce.server.descriptors import connections_for, raise_limit
from vivavoce.server.http.bounds import RequestBounds
from vivavoce.server.http.connections import ConnectionBounds, Connections
from vivavoce.server.http.protocol import HttpContext, http_protocol
from vivavoce.server.http.refusals import RefusalLog
from vivavoce.server.keys import KeyRing, KeysError, keep, open_key_ring
from vivavoce.server.metrics import Metrics
from vivavoce.server.qualities import Wishes
from vivavoce.server.settings import Settings
from vivavoce.server.start_cautions import cautions
from vivavoce.server.trusted_proxies import TrustedProxies
from vivavoce.server.turns import short_turns
from vivavoce.server.voices import Voices
from vivavoce.server.websocket.endpoint import Endpoint
from vivavoce.server.websocket.keepalive import PING_SECONDS, PONG_SECONDS
from vivavoce.server.websocket.protocol import WebSocketProtocol

MAX_FRAME_BYTES = 32 * 1024 * 1024
"""Maximum bytes of a message: after an outage clients resend up to 20 MB of audio, as base64."""

DRAIN_SECONDS = 10
BACKLOG = 2048


class StartError(Exception):
    """The server cannot start; the text is the reason, for the operator."""


class StorageFailedError(Exception):
    """The server has stopped after a failed write from which only a restart can recover."""


_REFUSALS = (
    *(KeysError, ModelError, FolderInUseError),
    *(JournalError, ArchiveError, LedgerError, OSError),
)

log = structlog.get_logger(__name__)

MakeVoices = Callable[[ModelStore], Voices]


def serve(
    settings: Settings,
    announce: Callable[[str, str | None], None],
    make_voices: MakeVoices | None = None,
    bounds: RequestBounds | None = None,
) -> None:
    """Serve until a signal arrives.

    Args:
        settings: the settings.
        announce: called once connections are accepted, with the base URL and the newly generated
            API key, or None.
        make_voices: builds the model registry from the installed models; by default according to
            the settings.
        bounds: bounds of each HTTP request; by default the documented ones.

    Raises:
        StartError: a required resource is missing, in use or broken.
        StorageFailedError: storage failed while serving.
    """

    def ready(url: str) -> None:
        if made is not None:
            # Not earlier: a key stored by a failed start would never be shown.
            keep(settings.data, made)
        for caution in cautions(settings, stat.S_IMODE(settings.data.stat().st_mode)):
            log.warning(caution.event, **caution.facts)
        announce(url, made)

    try:
        make_folder(settings.data)
        loopback = is_loopback(settings.host)
        keys, made = open_key_ring(settings.data, settings.api_key, loopback=loopback)
        listener = bind(settings.host, settings.port)
        with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
            store = ModelStore(settings.models)
            voices = (make_voices or _voices_for(settings))(store)
            runner.run(_serve(settings, keys, listener, ready, voices, bounds or RequestBounds()))
    except _REFUSALS as error:
        raise StartError(str(error)) from error


def _voices_for(settings: Settings) -> MakeVoices:
    wishes = Wishes(settings.use_models, settings.fast_models, settings.accurate_models)
    return lambda store: Voices(store, wishes)


async def _serve(
    settings: Settings,
    keys: KeyRing,
    listener: socket.socket,
    announce: Callable[[str], None],
    voices: Voices,
    bounds: RequestBounds,
) -> None:
    metrics = Metrics()
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    broken: asyncio.Future[JournalError] = asyncio.get_running_loop().create_future()
    async with AsyncExitStack() as stack:
        routes = await open_routes(settings, keys, stack, voices, metrics, broken.set_result)
        context = _http_context(settings, metrics, bounds)
        app = build(settings, routes, metrics)
        server = _Server(_config(app, context), lambda: announce(url))
        # After a failed sync the content of the disk is unknown until it is read again. The
        # process manager restarts this process, and the clients reconnect.
        broken.add_done_callback(lambda _: server.stop())
        with seldom_collected(), short_turns():
            await server.serve(sockets=[listener])
    if broken.done():
        raise StorageFailedError(str(broken.result()))


def _http_context(settings: Settings, metrics: Metrics, bounds: RequestBounds) -> HttpContext:
    """Build the shared state of all connections: their bounds and the counting of refusals."""
    descriptors = raise_limit()
    total = connections_for(descriptors.soft, settings.max_connections)
    log.info(
        "connection_limit_set", connections=total, soft=descriptors.soft, hard=descriptors.hard
    )
    if total < settings.max_connections:
        log.warning("max_connections_exceeds_descriptors", asked=settings.max_connections)
    proxies = TrustedProxies.parse(settings.trusted_proxies)
    refused = RefusalLog(
        "connections_refused", lambda reason: metrics.connections_refused.labels(reason).inc()
    )
    connections = Connections(
        ConnectionBounds(
            total,
            settings.max_connections_per_address,
            lambda address: is_loopback(address) or proxies.trusts(address),
        ),
        refused,
    )
    metrics.open_connections.set_function(lambda: len(connections))
    return HttpContext(
        bounds,
        connections,
        RefusalLog(
            "requests_refused", lambda reason: metrics.requests_refused.labels(reason).inc()
        ),
    )


def _config(app: Starlette, context: HttpContext) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=cast("type[asyncio.Protocol]", http_protocol(context)),
        ws=partial(WebSocketProtocol, endpoint=Endpoint()),  # type: ignore[arg-type]  # a factory
        ws_max_size=MAX_FRAME_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PONG_SECONDS,
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        server_header=False,
        headers=[("x-content-type-options", "nosniff")],
        proxy_headers=False,  # see forwarded.py
    )


class _Server(uvicorn.Server):
    """Announces when it accepts; returns after a graceful stop instead of raising the signal."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to accept connections."""
        await super().startup(sockets)
        if self.started:
            self._announce()

    def stop(self) -> None:
        """Stop gracefully, as on a signal."""
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop the server on SIGINT and SIGTERM; a further SIGINT skips the graceful shutdown."""
        signals = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def bind(host: str, port: int) -> socket.socket:
    """Open a listening socket; ``::`` also listens on IPv4 if the system supports it.

    Raises:
        StartError: the address is not valid or in use.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = is_unspecified(host) and family is socket.AF_INET6 and socket.has_dualstack_ipv6()
    try:
        return socket.create_server(
            (host, port), family=family, backlog=BACKLOG, dualstack_ipv6=both
        )
    except OSError as error:
        raise StartError(
            f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}"
        ) from error
