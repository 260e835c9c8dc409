"""A worker process: ``python -m vivavoce.recognition.worker``. Loads one engine and decodes.

It speaks the protocol of ``frames`` on its standard input and output, logs to standard error, and
ends with its supervisor: it exits when its input ends, and the kernel kills it if the supervisor
dies while it is busy.
"""

import contextlib
import ctypes
import faulthandler
import importlib
import logging
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from vivavoce.recognition import frames
from vivavoce.recognition.contract import DecodeRequest, Engine, Hypothesis
from vivavoce.recognition.frames import Answer, Begun, Decode, Decoded, EngineSpec, Ready, Refused

_logger = logging.getLogger("vivavoce.recognition.worker")

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_ERROR_CHARACTERS = 500
MAX_ANSWER_BYTES = 1024 * 1024


def main() -> None:
    """Run until the supervisor closes standard input."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    faulthandler.enable(sys.stderr)
    _follow_supervisor()
    _keep_to_one_thread()
    requests, answers = _private_streams()
    # A broken pipe means that the supervisor is gone.
    with requests, answers, contextlib.suppress(BrokenPipeError):
        serve(requests, answers)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Load the engine that the first frame names, then answer requests until the input ends."""
    engine = _greet(requests, answers)
    if engine is None:
        return
    decoder = msgspec.msgpack.Decoder(Decode)
    while (payload := frames.read_frame(requests)) is not None:
        _send(answers, Begun())
        batch = decoder.decode(payload).requests
        started = time.process_time()
        heard = _decode(engine, batch)
        taken = time.process_time() - started
        _send(answers, Decoded(heard, taken, _resident_bytes()))


def load(spec: EngineSpec) -> Engine:
    """Import and call the loader, and warm up its engine; their exceptions propagate.

    Raises:
        TypeError: the loader is not callable.
    """
    module, _, name = spec.loader.partition(":")
    loader = getattr(importlib.import_module(module), name)
    if not callable(loader):
        raise TypeError(f"{spec.loader} is not callable")
    engine = cast("Engine", loader(**spec.arguments))
    engine.warm_up()
    return engine


def _greet(requests: BinaryIO, answers: BinaryIO) -> Engine | None:
    payload = frames.read_frame(requests)
    if payload is None:
        return None
    try:
        spec = msgspec.msgpack.decode(payload, type=EngineSpec)
        engine = load(spec)
        _send(answers, Ready(engine.capabilities, _resident_bytes()))
    except Exception as error:  # a loader may raise anything; report it to the supervisor
        _logger.exception("The engine could not be loaded")
        _send(answers, Refused(_describe(error)))
        return None
    return engine


def _decode(engine: Engine, batch: Sequence[DecodeRequest]) -> tuple[Answer, ...]:
    """Answer every request; if a batch fails as a whole, decode its requests one by one."""
    try:
        heard = _decode_together(engine, batch)
    except MemoryError:
        raise  # not caused by the audio: a new worker may succeed
    except Exception as error:  # an engine may raise anything; the worker survives
        _logger.exception("The engine failed on a batch of %d", len(batch))
        if len(batch) == 1:
            return (Answer(error=_describe(error)),)
        return tuple(answer for request in batch for answer in _decode(engine, [request]))
    return tuple(_encode(hypothesis) for hypothesis in heard)


def _decode_together(engine: Engine, batch: Sequence[DecodeRequest]) -> Sequence[Hypothesis]:
    heard = engine.decode(batch)
    if len(heard) != len(batch):
        raise ValueError(f"{len(heard)} hypotheses for {len(batch)} requests")
    return heard


def _encode(hypothesis: Hypothesis) -> Answer:
    try:
        payload = msgspec.msgpack.encode(hypothesis)
    except (TypeError, ValueError, OverflowError) as error:
        return Answer(error=f"the hypothesis is not plain data: {_describe(error)}")
    if len(payload) > MAX_ANSWER_BYTES:
        return Answer(error=f"a hypothesis of {len(payload)} bytes")
    return Answer(hypothesis=payload)


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:_ERROR_CHARACTERS]


def _resident_bytes() -> int:
    """Return the resident bytes of the process; its peak where the current value is unknown."""
    if sys.platform == "linux":
        pages = Path("/proc/self/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _send(answers: BinaryIO, message: frames.FromWorker) -> None:
    answers.write(frames.pack(message))
    answers.flush()


def _private_streams() -> tuple[BinaryIO, BinaryIO]:
    """Return private copies of standard input and output.

    Afterwards a library that prints, from Python or from C, writes to the log instead of into the
    frames, and a library that reads standard input finds it empty.
    """
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, answers


def _follow_supervisor() -> None:
    """Let only the supervisor end this process.

    Ctrl-C and a service manager's SIGTERM reach the whole process group, but a draining server
    still needs its workers.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_PR_SET_NAME, b"vivavoce-worker", 0, 0, 0)


def _keep_to_one_thread() -> None:
    """Limit numeric libraries to one thread before they load: every core has its own worker."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")


if __name__ == "__main__":
    main()
