"""Runs the application until it is told to stop."""

import asyncio
import contextlib
import ipaddress
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn

from vivavoce.server.app import build
from vivavoce.server.keys import open_key_ring
from vivavoce.server.settings import Settings

MAX_FRAME_BYTES = 32 * 1024 * 1024
"""Clients resend up to 20 MB of audio, as base64, in one message after an outage."""

DRAIN_SECONDS = 10


class StartError(Exception):
    """The server cannot start; the text says why, for the operator."""


def serve(settings: Settings, announce: Callable[[str, str | None], None]) -> None:
    """Serve until a signal comes.

    Args:
        settings: the settings.
        announce: called once connections are accepted, with the base URL and the API key that
            was just made, if one was.

    Raises:
        StartError: the address cannot be bound.
        NoKeyError: reachable from outside, and no key.
    """
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys, made = open_key_ring(settings.data, settings.api_key, loopback=is_loopback(settings.host))
    listener = bind(settings.host, settings.port)
    port = listener.getsockname()[1]
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    config = uvicorn.Config(
        build(settings, keys),
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=MAX_FRAME_BYTES,
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        server_header=False,
    )
    server = _Server(config, lambda: announce(f"http://{host}:{port}", made))
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(server.serve(sockets=[listener]))
    if not server.started:
        raise StartError("the server could not start; the log above says why")


class _Server(uvicorn.Server):
    """Says when it accepts; ends in order on a signal, and then returns instead of raising it."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept."""
        await super().startup(sockets)
        if self.started:
            self._announce()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Have SIGINT and SIGTERM stop the server; a second one hurries it."""
        signals = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        StartError: the address is wrong or taken.
    """
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=2048
        )
    except OSError as error:
        raise StartError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
