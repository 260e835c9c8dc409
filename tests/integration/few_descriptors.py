"""The scripted server with few file descriptors, as a process that can raise them no further."""

import resource
import runpy
from pathlib import Path

DESCRIPTORS = 256
PROGRAM = Path(__file__).parent.parent / "faults" / "scripted_server.py"

if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
    runpy.run_path(str(PROGRAM), run_name="__main__")
