"""An engine whose answers are kept on disk, so that the next variant of a rule costs little.

A final is a function of its request, so an answer found once is the answer: what a change of rules
asks for anew is all that is decoded. Answers belong to one model and one version of its engine;
throw the file away when either changes.
"""

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec

from vivavoce.recognition.contract import Capabilities, DecodeRequest, Engine, Hypothesis


class Kept(msgspec.Struct, frozen=True):
    """An answer, and the CPU seconds that it took when it was found."""

    key: bytes
    hypothesis: Hypothesis
    cpu: float


_decoder = msgspec.msgpack.Decoder(Kept)
_LENGTH_BYTES = 4


class KeptEngine:
    """Answers from a file what it answered before; asks the engine and appends what is new.

    Attributes:
        cpu: CPU seconds of all that was asked for, as if nothing had been kept.
    """

    def __init__(self, engine: Engine, path: Path) -> None:
        self._engine = engine
        self._known = {each.key: each for each in _read(path)}
        self._file: BinaryIO = path.open("ab")
        self.cpu = 0.0

    def __enter__(self) -> Self:
        """Use it until the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self._file.close()

    @property
    def capabilities(self) -> Capabilities:
        """Those of the engine."""
        return self._engine.capabilities

    def warm_up(self) -> None:
        """Warm the engine up."""
        self._engine.warm_up()

    def decode(self, batch: Sequence[DecodeRequest]) -> list[Hypothesis]:
        """Decode requests, each by itself; only finals are a function of their request.

        Raises:
            ValueError: a partial.
        """
        return [self._answer(request) for request in batch]

    def _answer(self, request: DecodeRequest) -> Hypothesis:
        if request.purpose == "partial":
            raise ValueError("a partial's answer cannot be kept")
        key = hashlib.sha256(msgspec.msgpack.encode(request)).digest()
        kept = self._known.get(key) or self._find(key, request)
        self.cpu += kept.cpu
        return kept.hypothesis

    def _find(self, key: bytes, request: DecodeRequest) -> Kept:
        before = time.process_time()
        (hypothesis,) = self._engine.decode([request])
        kept = Kept(key, hypothesis, time.process_time() - before)
        self._known[key] = kept
        record = msgspec.msgpack.encode(kept)
        self._file.write(len(record).to_bytes(_LENGTH_BYTES, "big") + record)
        return kept


def _read(path: Path) -> list[Kept]:
    """All whole records of a file; one that was being written when the program died is left out."""
    data = path.read_bytes() if path.exists() else b""
    kept: list[Kept] = []
    at = 0
    while at + _LENGTH_BYTES <= len(data):
        end = at + _LENGTH_BYTES + int.from_bytes(data[at : at + _LENGTH_BYTES], "big")
        if end > len(data):
            break
        kept.append(_decoder.decode(data[at + _LENGTH_BYTES : end]))
        at = end
    if at < len(data):
        path.write_bytes(data[:at])
    return kept
