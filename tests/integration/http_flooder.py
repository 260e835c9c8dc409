"""Floods a server of this machine over some connections, for some seconds: a program of its own.

Its work must not be on the clock of whoever measures.
"""

import socket
import sys
import threading
import time
from contextlib import suppress

POST = b"POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
GET = b"GET /nowhere HTTP/1.1\r\nHost: x\r\n"
SLOWLY = 0.0005
BLOCK = 64 * 1024

SHAPES: dict[str, tuple[bytes, bytes, float]] = {
    "headers": (GET, b"a:b\r\n" * (BLOCK // 5), 0),
    "header": (GET + b"a:", b"b" * BLOCK, 0),
    "url": (b"GET /", b"x" * BLOCK, 0),
    "header by bytes": (GET + b"a:" + b"b" * 60_000, b"b", SLOWLY),
    "trailers": (POST + b"0\r\n", b"a:b\r\n" * (BLOCK // 5), 0),
    "trailer": (POST + b"0\r\na:", b"b" * BLOCK, 0),
    "trailer by bytes": (POST + b"0\r\na:" + b"b" * 60_000, b"b", SLOWLY),
    "extension": (POST + b"1;", b"b" * BLOCK, 0),
    "tiny chunks": (POST, b"1\r\nx\r\n" * (BLOCK // 6), 0),
    "body": (POST, b"10000\r\n" + b"x" * BLOCK + b"\r\n", 0),
    "line ends": (b"", b"\r\n" * (BLOCK // 2), 0),
}


def flood(shape: str, port: int, until: float) -> None:
    """One connection after the other, each for as long as the server takes it."""
    start, more, pause = SHAPES[shape]
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as raw:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            raw.sendall(start)
            while time.monotonic() < until:
                raw.sendall(more)
                time.sleep(pause)


def main() -> None:
    """Flood in one shape from some connections."""
    shape, port, seconds, connections = sys.argv[1:]
    until = time.monotonic() + float(seconds)
    floods = [
        threading.Thread(target=flood, args=(shape, int(port), until))
        for _ in range(int(connections))
    ]
    for each in floods:
        each.start()
    for each in floods:
        each.join()


if __name__ == "__main__":
    main()
