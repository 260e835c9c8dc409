"""A client's end of a line in a network namespace of its own, where the machine allows it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

SERVER, CLIENT = "10.213.77.1", "10.213.77.2"


def command(*words: str) -> None:
    """Run a command of the system."""
    subprocess.run(words, check=True, capture_output=True)


@dataclass(frozen=True, slots=True)
class Cable:
    """Two ends of a virtual cable: the server's here, the client's in the namespace."""

    name: str

    def pull(self) -> None:
        """As if somebody pulled it: neither end is told."""
        command("ip", "link", "set", f"{self.name}s", "down")

    def narrow(self, rate: str) -> None:
        """Only so much goes through, both ways."""
        shape = ("root", "tbf", "rate", rate, "burst", "8kb", "latency", "1s")
        command("tc", "qdisc", "add", "dev", f"{self.name}s", *shape)
        inside = ("ip", "netns", "exec", self.name)
        command(*inside, "tc", "qdisc", "add", "dev", f"{self.name}c", *shape)

    def within(self, *words: str) -> tuple[str, ...]:
        """A command that runs at the client's end."""
        return "ip", "netns", "exec", self.name, *words


@contextmanager
def cable() -> Iterator[Cable]:
    """A cable, or a skipped test that says why."""
    if not (shutil.which("ip") and shutil.which("tc")):
        pytest.skip("needs the commands ip and tc")
    name = f"vv{os.getpid()}"
    try:
        command("ip", "netns", "add", name)
        ends = ("link", "add", f"{name}s", "type", "veth", "peer", "name", f"{name}c")
        command("ip", *ends, "netns", name)
    except subprocess.CalledProcessError as error:
        subprocess.run(("ip", "netns", "del", name), check=False, capture_output=True)  # noqa: S607  as found
        pytest.skip(f"needs network namespaces (root): {error.stderr.decode().strip()}")
    try:
        command("ip", "addr", "add", f"{SERVER}/30", "dev", f"{name}s")
        command("ip", "link", "set", f"{name}s", "up")
        inside = ("ip", "netns", "exec", name, "ip")
        command(*inside, "addr", "add", f"{CLIENT}/30", "dev", f"{name}c")
        command(*inside, "link", "set", f"{name}c", "up")
        yield Cable(name)
    finally:
        subprocess.run(("ip", "link", "del", f"{name}s"), check=False, capture_output=True)  # noqa: S607  as found
        command("ip", "netns", "del", name)
