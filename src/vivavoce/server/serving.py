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
    keys, made = open_key_ring(
        settings.data, settings.api_key, loopback=is_loopback(settings.host)
    )
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
    server = _Server(config)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_serve(server, listener, lambda: announce(f"http://{host}:{port}", made)))


class _Server(uvicorn.Server):
    """Ends in order on a signal, and then returns instead of raising the signal again."""

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


async def _serve(
    server: uvicorn.Server, listener: socket.socket, announce: Callable[[], None]
) -> None:
    running = asyncio.create_task(server.serve(sockets=[listener]), name="uvicorn")
    while not server.started and not running.done():
        await asyncio.sleep(0.01)
    if server.started:
        announce()
    await running
    if not server.started:
        raise StartError("the server could not start; see the log above")


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
