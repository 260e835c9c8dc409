"""Sees every session that a test talks to, and holds each against the promises at the test's end.

Tests that break lines on purpose say what they sent by one history over all lines. Where each line
has its own, audio may have been sent again, and only what is heard can be judged.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from history import (
    History,
    Violation,
    ack_violations,
    audio_violations,
    result_violations,
    samples,
    transcript_violations,
)

Json = dict[str, Any]

Fetch = Callable[[str], "Kept | None"]
"""Gives what the server keeps of a session, by its id; None where it is gone."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A session as its server shows it; no recording while it is at work."""

    job: Json
    recording: bytes | None


@dataclass(slots=True)
class Seen:
    """One session, what it was asked to be, and the histories of its lines."""

    id: str
    init: Json
    fetch: Fetch
    histories: list[History] = field(default_factory=list)


class Witness:
    """Keeps what a test does with sessions."""

    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}

    def created(self, session_id: str, url: str, init: Json, fetch: Fetch) -> None:
        """A session was made."""
        self._seen[url] = Seen(session_id, init, fetch)

    def connected(self, url: str, history: History) -> None:
        """A line to a session was opened, with this history."""
        seen = self._seen.get(url.split("&", 1)[0])
        if seen is not None and history not in seen.histories:
            seen.histories.append(history)

    def check(self) -> None:
        """Judge every session.

        Raises:
            Violation: a promise was broken.
        """
        broken = [f"{s.id}: {text}" for s in self._seen.values() for text in wrongs(s)]
        if broken:
            raise Violation("\n".join(broken))


def wrongs(seen: Seen) -> Iterator[str]:
    """What is wrong with one session, in words."""
    if not any(history.messages for history in seen.histories):
        return
    heard = History()
    heard.events = sorted((e for h in seen.histories for e in h.events), key=lambda e: e.at)
    yield from transcript_violations(heard.events)
    kept = seen.fetch(seen.id)
    if kept is not None and kept.job["status"] == "done" and tells_finals(seen.init):
        yield from result_violations(heard, kept.job)
    if len(seen.histories) > 1 or seen.histories[0].connections > 1:
        return
    yield from ack_violations(heard.events)
    if kept is not None and kept.recording is not None and keeps_bytes(seen):
        yield from audio_violations(seen.histories[0], samples(kept.recording))


def tells_finals(init: Json) -> bool:
    """Whether a session was asked to tell its client the finals."""
    config = init.get("messages_config") or {}
    return bool(config.get("receive_final_transcripts", True))


def keeps_bytes(seen: Seen) -> bool:
    """Whether the recording's samples are the very bytes that were sent, and easily read."""
    init, history = seen.init, seen.histories[0]
    plain = init.get("encoding", "wav/pcm") == "wav/pcm" and init.get("bit_depth", 16) == 16
    frame_bytes = 2 * init.get("channels", 1)
    whole = len(history.audio) % frame_bytes == 0 and frame_bytes <= 4
    refused = any(m["type"] == "audio_chunk" and not m["acknowledged"] for m in history.messages)
    return plain and whole and not refused and not history.audio.startswith(b"RIFF")
