"""Parent side of one worker process: start it, send it requests, and end it."""

import asyncio
import contextlib
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec
import structlog

from vivavoce.child_process import COMPUTING, NEUTRAL_FOLDER, clean_environment, interpreter
from vivavoce.recognition import frames
from vivavoce.recognition.contract import SAMPLE_RATE, Capabilities, DecodeRequest
from vivavoce.recognition.frames import (
    Begun,
    Decode,
    Decoded,
    EngineSpec,
    FrameError,
    FromWorker,
    Ready,
    Refused,
    ToWorker,
)
from vivavoce.recognition.jobs import BYTES_PER_SAMPLE

log = structlog.get_logger(__name__)
_decoder: msgspec.msgpack.Decoder[FromWorker] = msgspec.msgpack.Decoder(FromWorker)

_Reply = TypeVar("_Reply", Ready, Decoded)


@dataclass(frozen=True, slots=True)
class Patience:
    """Time limits, in seconds, after which a worker counts as hung.

    Attributes:
        load: for loading and warming up the engine.
        decode: for an answer, plus ``per_audio_second`` for each second of requested audio.
        per_audio_second: see ``decode``.
        leave: for the process to exit after its input was closed.
    """

    load: float = 120.0
    decode: float = 10.0
    per_audio_second: float = 5.0
    leave: float = 1.0

    def for_batch(self, requests: Sequence[DecodeRequest]) -> float:
        """Return the seconds that an answer to these requests may take."""
        heard = sum(len(request.audio) + len(request.context.audio) for request in requests)
        return self.decode + self.per_audio_second * heard / BYTES_PER_SAMPLE / SAMPLE_RATE


class WorkerLostError(Exception):
    """A worker is unusable: it died, hung, could not load, or violated the protocol."""


class WorkerUnheardError(WorkerLostError):
    """A worker was lost before it had read its batch, which cannot be the cause."""


class WorkerProcess:
    """A child process with a warm engine, which decodes one batch at a time.

    Attributes:
        capabilities: capabilities that its engine reported.
        pid: id of the process.
        gone: task that is done when the process has ended.
        grown_bytes: growth of its resident memory since its engine was warm.
    """

    def __init__(self, process: Process, patience: Patience) -> None:
        self._process = process
        self._patience = patience
        self._idle = False
        self._begun = False
        self._listener = asyncio.create_task(
            self._log_errors(), name=f"stderr of worker {process.pid}"
        )
        self.gone = asyncio.create_task(process.wait(), name=f"life of worker {process.pid}")
        self.pid = process.pid
        self.capabilities = Capabilities(languages=frozenset())
        self.grown_bytes = 0
        self._warm_bytes = 0

    @classmethod
    async def start(cls, spec: EngineSpec, patience: Patience) -> "WorkerProcess":
        """Start a process and return it when its engine is warm.

        Raises:
            WorkerLostError: the process or its engine failed to start.
        """
        # Cancelling a spawn half-way would leave a process behind, so it is shielded.
        spawning = asyncio.create_task(_spawn(), name="spawn a worker")
        try:
            await asyncio.shield(spawning)
        except asyncio.CancelledError:
            await asyncio.wait({spawning})
            if spawning.exception() is None:
                await cls(spawning.result(), patience).close()
            raise
        worker = cls(spawning.result(), patience)
        try:
            ready = await worker._ask(spec, Ready, patience.load)
        except BaseException:
            await worker.close()
            raise
        worker.capabilities = ready.capabilities
        worker._warm_bytes = ready.resident_bytes
        return worker

    async def decode(self, requests: Sequence[DecodeRequest]) -> Decoded:
        """Decode a batch.

        Raises:
            WorkerLostError: no answer will come; the worker must be closed.
        """
        patience = self._patience.for_batch(requests)
        self._begun = False
        try:
            decoded = await self._ask(Decode(tuple(requests)), Decoded, patience)
        except WorkerLostError as error:
            if self._begun:
                raise
            raise WorkerUnheardError(str(error)) from error
        if len(decoded.answers) != len(requests):
            raise WorkerLostError(f"worker {self.pid} miscounted its answers")
        self.grown_bytes = decoded.resident_bytes - self._warm_bytes
        return decoded

    def obituary(self) -> str:
        """Return a description of how the process ended."""
        return f"worker {self.pid} {_manner_of_death(self._process.returncode)}"

    async def close(self) -> None:
        """End the process and wait for its exit; an idle process may exit by itself."""
        try:
            if self._idle and self._process.returncode is None:
                await self._let_leave()
        finally:
            if self._process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    self._process.kill()
            await asyncio.wait({self.gone})
            # A grandchild may hold the pipe open: do not wait for its output.
            await asyncio.wait({self._listener}, timeout=self._patience.leave)
            self._listener.cancel()
            await asyncio.wait({self._listener})

    async def _let_leave(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        await asyncio.wait({self.gone}, timeout=self._patience.leave)

    async def _ask(self, message: ToWorker, expected: type[_Reply], patience: float) -> _Reply:
        self._idle = False
        try:
            async with asyncio.timeout(patience):
                reply = await self._exchange(frames.pack(message))
        except TimeoutError as error:
            raise WorkerLostError(
                f"worker {self.pid} gave no answer in {patience:.1f} s"
            ) from error
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            await asyncio.wait({self.gone}, timeout=self._patience.leave)
            raise WorkerLostError(self.obituary()) from error
        except (FrameError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise WorkerLostError(f"worker {self.pid} broke the protocol: {error}") from error
        if isinstance(reply, Refused):
            raise WorkerLostError(f"the engine could not be loaded: {reply.error}")
        if not isinstance(reply, expected):
            raise WorkerLostError(f"worker {self.pid} answered something else")
        self._idle = True
        return reply

    async def _exchange(self, frame: bytes) -> FromWorker:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise ConnectionError("the worker has no pipes")
        stdin.write(frame)
        await stdin.drain()
        while isinstance(reply := await _read(stdout), Begun):
            self._begun = True
        return reply

    async def _log_errors(self) -> None:
        stderr = self._process.stderr
        while stderr is not None:
            try:
                line = await stderr.readline()
            except ValueError:  # a line beyond the stream's limit is dropped
                continue
            if not line:
                return
            text = line.decode(errors="replace").rstrip()
            log.info("worker_output_received", pid=self.pid, text=text)


async def _read(stdout: asyncio.StreamReader) -> FromWorker:
    length = frames.payload_length(await stdout.readexactly(frames.LENGTH_BYTES))
    return _decoder.decode(await stdout.readexactly(length))


async def _spawn() -> Process:
    try:
        return await asyncio.create_subprocess_exec(
            *interpreter("vivavoce.recognition.worker"),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=clean_environment(COMPUTING),
            cwd=NEUTRAL_FOLDER,
        )
    except OSError as error:
        raise WorkerLostError(f"no worker could be started: {error}") from error


def _manner_of_death(returncode: int | None) -> str:
    if returncode is None:
        return "closed its output"
    if returncode < 0:
        return f"died of signal {-returncode} ({signal.strsignal(-returncode)})"
    return f"exited with code {returncode}"
