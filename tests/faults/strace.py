"""Faults at named system calls of a running server, put there by strace."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest


def missing() -> str | None:
    """Why this machine cannot inject faults; None where it can."""
    if not shutil.which("strace"):
        return "strace is not installed"
    # Under a container's seccomp filter, or without the right, ptrace is refused.
    tried = subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], check=False)  # noqa: S607  found above
    return f"strace may not trace here: {tried.returncode}" if tried.returncode else None


@contextmanager
def injected(pid: int, call: str, fault: str) -> Iterator[None]:
    """While the block runs, a call of a process fails as told.

    Args:
        pid: the process; all of its threads count, each for itself, and so do children that it
            starts from now on.
        call: the system call, such as ``fdatasync``.
        fault: as strace's ``inject`` writes it, such as ``signal=KILL:when=3``.
    """
    command = ["strace", "-f", "-p", str(pid), "-o", os.devnull]
    command += ["-e", f"trace={call}", "-e", f"inject={call}:{fault}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        said = tracer.stderr.readline()
        if "attached" not in said and psutil.pid_exists(pid):
            pytest.skip(f"strace cannot attach here: {said.strip()}")
        try:
            yield
        finally:
            end(tracer)


def end(tracer: subprocess.Popen[str]) -> None:
    """End strace; asked kindly it lets go of its process first, unless that is dead already."""
    tracer.terminate()
    try:
        tracer.wait(2)
    except subprocess.TimeoutExpired:
        tracer.kill()
        tracer.wait()
