"""What happened to a session, as its client saw it, and the proof that nothing was lost.

A client notes every byte it means to send, every message it hears and every connection. In the
end ``violations`` holds that against what the server keeps: the job and the recording.
"""

import io
import json
import time
import wave
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from likeness import result_differences

Json = dict[str, Any]
FINISHED = 1000


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to the client, ``at`` seconds of a monotonic clock."""

    at: float
    kind: Literal["opened", "sent", "heard", "closed"]
    value: Any
    """The connection's number, the end of what was sent, the message, or the close code."""


class Violation(AssertionError):  # noqa: N818  a broken promise, not an error of the program
    """The history shows that a promise was broken; the text names every one."""


class History:
    """Everything that one client sent and heard, over all its connections.

    Attributes:
        audio: what the client had to send, from the session's first byte on. What it sent again
            is not noted again.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.audio = bytearray()
        self.events: list[Event] = []
        self._clock = clock

    # -- noting --------------------------------------------------------------------------------

    def opened(self) -> None:
        """A connection stands."""
        self._note("opened", self.connections + 1)

    def sent(self, audio: bytes) -> None:
        """Audio was sent, or would have been had there been a connection."""
        self.audio += audio
        self._note("sent", len(self.audio))

    def heard(self, message: Json) -> None:
        """A message came."""
        self._note("heard", message)

    def closed(self, code: int | None) -> None:
        """The connection is gone."""
        self._note("closed", code)

    def _note(self, kind: Literal["opened", "sent", "heard", "closed"], value: Any) -> None:
        self.events.append(Event(self._clock(), kind, value))

    def write(self, path: Path) -> None:
        """Keep the events for a look at a failure, one JSON document a line."""
        path.write_text("".join(json.dumps(asdict(event)) + "\n" for event in self.events))

    # -- what was seen -------------------------------------------------------------------------

    @property
    def connections(self) -> int:
        """How many connections there were."""
        return sum(event.kind == "opened" for event in self.events)

    @property
    def messages(self) -> list[Json]:
        """Every message, in the order of hearing."""
        return [event.value for event in self.events if event.kind == "heard"]

    @property
    def finished(self) -> bool:
        """Whether the client was told that all is done."""
        codes = [event.value for event in self.events if event.kind == "closed"]
        return codes[-1:] == [FINISHED]

    @property
    def acknowledged(self) -> int:
        """The end of the audio that the server has said to hold."""
        return max((end for _, end in ack_ranges(self.messages)), default=0)

    @property
    def finals(self) -> list[Json]:
        """The data of the finals, each once, in the order of hearing."""
        first: dict[str, Json] = {}
        for data in final_data(self.messages):
            first.setdefault(data["id"], data)
        return list(first.values())

    # -- proof ---------------------------------------------------------------------------------

    def check(
        self,
        job: Json,
        recording: bytes,
        like: Sequence[Json] | None = None,
        result: Json | None = None,
    ) -> None:
        """Prove that every promise was kept.

        Args:
            job: what ``GET /v2/live/{id}`` answers for the finished session.
            recording: its recording, a WAV file.
            like: the finals of the same audio in a run without faults.
            result: the result of that run.

        Raises:
            Violation: a promise was broken.
        """
        broken = list(violations(self, job, recording, like))
        if result is not None and job["status"] == "done":
            broken += result_differences(job["result"], result)
        if broken:
            raise Violation("\n".join(broken))


def violations(
    history: History, job: Json, recording: bytes, like: Sequence[Json] | None = None
) -> Iterator[str]:
    """Every broken promise in words; see ``History.check``."""
    yield from audio_violations(history, samples(recording))
    yield from ack_violations(history.events)
    if strangers := {m["session_id"] for m in history.messages} - {job["id"]}:
        yield f"messages: some were of other sessions: {strangers}"
    yield from transcript_violations(history.events)
    yield from result_violations(history, job)
    if like is not None and job["status"] == "done":
        told = final_data(map(json.loads, job["result"]["messages"]))
        yield from difference("finals", in_order(told), in_order(like))


def audio_violations(history: History, kept: bytes) -> Iterator[str]:
    """The recording is what was sent, from the first byte on, as far as was acknowledged."""
    sent = bytes(history.audio)
    if not sent.startswith(kept):
        at = first_difference(sent, kept)
        yield f"recording: {len(kept)} bytes, of {len(sent)} sent, differ from byte {at} on"
    if len(kept) < history.acknowledged:
        yield f"recording: ends at {len(kept)}, {history.acknowledged} bytes were acknowledged"
    if history.finished and len(kept) < len(sent):
        yield f"recording: ends at {len(kept)} of {len(sent)} bytes, and the client was sent away"


def ack_violations(events: Iterable[Event]) -> Iterator[str]:
    """Acks go on where they left off, over all connections, and never ahead of what was sent."""
    reached = sent = 0
    for event in events:
        if event.kind == "sent":
            sent = event.value
        if event.kind != "heard":
            continue
        for begin, end in ack_ranges([event.value]):
            if begin > reached:
                yield f"acks: {begin}-{end} came after {reached}: a gap, or bytes stored twice"
            if end < reached:
                yield f"acks: {begin}-{end} came after {reached}: they went back"
            if end > sent:
                yield f"acks: {begin}-{end} came when {sent} bytes had been sent"
            reached = max(reached, end)


def transcript_violations(events: Iterable[Event]) -> Iterator[str]:
    """A final is final, in order on its channel, and the last word on its utterance."""
    settled: dict[str, Json] = {}
    watch = _Order()
    for event in events:
        if event.kind == "opened":
            watch.again()
        if event.kind != "heard" or event.value["type"] != "transcript":
            continue
        data = event.value["data"]
        known = settled.get(data["id"])
        if not data["is_final"]:
            if known:
                yield f"partials: {data['id']} came after its final"
            continue
        if known is not None and known != data:
            yield f"finals: {data['id']} came again with other words: {known} then {data}"
        yield from watch.final(data, news=known is None)
        settled[data["id"]] = data


class _Order:
    """Watches that finals of a channel come in the order of their starts.

    A new connection may be told again what the last one was; one connection is told once.
    """

    def __init__(self) -> None:
        self._told: set[str] = set()
        self._here: dict[int, float] = {}
        self._ever: dict[int, float] = {}

    def again(self) -> None:
        """A new connection begins."""
        self._told.clear()
        self._here.clear()

    def final(self, data: Json, *, news: bool) -> Iterator[str]:
        """The next final, heard for the first time or again."""
        channel, start = data["utterance"]["channel"], data["utterance"]["start"]
        if data["id"] in self._told:
            yield f"finals: {data['id']} came twice on one connection"
        elif start < self._here.get(channel, start) or (
            news and start < self._ever.get(channel, start)
        ):
            yield f"finals: {data['id']} came out of order on channel {channel}"
        self._told.add(data["id"])
        self._here[channel] = start
        self._ever[channel] = max(start, self._ever.get(channel, start))


def result_violations(history: History, job: Json) -> Iterator[str]:
    """The result tells what the finals told, each once."""
    if job["status"] != "done":
        yield f"result: the session is {job['status']}"
        return
    result = job["result"]
    kept = result["transcription"]["utterances"]
    heard = utterances(history.finals)
    if history.finished:
        yield from difference("result", kept, heard)
    else:
        missing = [utterance for utterance in heard if utterance not in kept]
        if missing:
            yield f"result: lacks finals that were told: {missing}"
    words = " ".join(utterance["text"].strip() for utterance in kept)
    if result["transcription"]["full_transcript"] != words:
        yield "result: the full transcript is not its utterances"
    told = final_data(map(json.loads, result["messages"]))
    yield from (
        f"result: {name} is told {times} times"
        for name, times in Counter(data["id"] for data in told).items()
        if times > 1
    )
    yield from difference("result.messages", utterances(told), kept)


def difference(what: str, found: Sequence[Any], wanted: Sequence[Any]) -> Iterator[str]:
    """One sentence about the first thing that two lists do not share; none when they are equal."""
    if found != wanted:
        at = next(
            (n for n, pair in enumerate(zip(found, wanted, strict=False)) if pair[0] != pair[1]),
            min(len(found), len(wanted)),
        )
        yield (
            f"{what}: {len(found)} found, {len(wanted)} wanted, different from number {at} on: "
            f"{found[at : at + 1]} is not {wanted[at : at + 1]}"
        )


# -- reading messages --------------------------------------------------------------------------


def ack_ranges(messages: Iterable[Json]) -> list[tuple[int, int]]:
    """Byte ranges of the acknowledged audio."""
    acks = (m for m in messages if m["type"] == "audio_chunk" and m["acknowledged"])
    return [(ack["data"]["byte_range"][0], ack["data"]["byte_range"][1]) for ack in acks]


def final_data(messages: Iterable[Json]) -> list[Json]:
    """The data of final transcripts, repeats included."""
    found = (m["data"] for m in messages if m["type"] == "transcript")
    return [data for data in found if data["is_final"]]


def utterances(finals: Iterable[Json]) -> list[Json]:
    """The utterances of finals in the order of a result."""
    return [data["utterance"] for data in in_order(finals)]


def in_order(finals: Iterable[Json]) -> list[Json]:
    """Finals by their starts, then their channels."""
    return sorted(finals, key=lambda f: (f["utterance"]["start"], f["utterance"]["channel"]))


def samples(recording: bytes) -> bytes:
    """The samples of a recording."""
    with wave.open(io.BytesIO(recording)) as file:
        return bytes(file.readframes(file.getnframes()))


def first_difference(one: bytes, other: bytes) -> int:
    """The first byte in which two strings differ."""
    pairs = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
