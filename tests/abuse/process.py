"""What the system says of a server's process: memory, and the connections that it holds."""

import contextlib
from pathlib import Path
from typing import Final

import psutil

MEBIBYTE: Final = 1 << 20
_OPEN: Final = {"ESTABLISHED", "CLOSE_WAIT", "FIN_WAIT1", "FIN_WAIT2", "LAST_ACK", "CLOSING"}


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(name)


def memory(pid: int) -> int:
    """Bytes of resident memory now."""
    return _status(pid, "VmRSS")


def highest_memory(pid: int) -> int:
    """Bytes of resident memory at the most since ``reset_highest``."""
    return _status(pid, "VmHWM")


def reset_highest(pid: int) -> None:
    """Forget the most resident memory so far."""
    with contextlib.suppress(PermissionError):  # then it is the most since the start
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def peers(pid: int, port: int) -> set[int]:
    """The ports of the peers that a process holds connections to on its own port."""
    connections = psutil.Process(pid).net_connections(kind="tcp")
    return {
        one.raddr.port
        for one in connections
        if one.laddr and one.raddr and one.laddr.port == port and one.status in _OPEN
    }


def descriptors(pid: int) -> int:
    """Descriptors that a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
