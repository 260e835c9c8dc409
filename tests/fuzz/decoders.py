"""Decoders under damaged input: each raises its documented error, or gives a value that holds."""

import asyncio
import base64
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

import msgspec
from starlette.datastructures import QueryParams

from fuzz.bytes_and_texts import ODD, Dice, changed, damaged, text
from vivavoce.audio.wav_header import MAX_HEADER_BYTES, AudioFormatError, inspect_header
from vivavoce.delivery import announcement
from vivavoce.delivery.addresses import Reach
from vivavoce.delivery.retry_after import MAX_SECONDS, retry_after
from vivavoce.delivery.targets import RefusedTargetError, target
from vivavoce.protocol import long_messages
from vivavoce.protocol.messages import (
    AudioChunk,
    BadMessageError,
    ClientMessage,
    parse_client_message,
)
from vivavoce.protocol.request import InitRequest, parse_init
from vivavoce.protocol.validation import InvalidParametersError, MalformedJsonError
from vivavoce.recognition import frames
from vivavoce.recognition.contract import Capabilities
from vivavoce.recognition.worker_process import Patience, WorkerLostError, WorkerProcess
from vivavoce.server.listing import parse_query
from vivavoce.session import checkpoint
from vivavoce.session.core import CoreState
from vivavoce.session.language import LanguageState
from vivavoce.session.resume import Finding, Known, Read, Start, find_start
from vivavoce.speech.silero import VoiceState

INIT = json.dumps(
    {
        "encoding": "wav/pcm",
        "bit_depth": 16,
        "sample_rate": 16000,
        "channels": 1,
        "endpointing": 0.05,
        "language_config": {"languages": ["en", "fr"], "code_switching": True},
        "realtime_processing": {
            "custom_vocabulary": True,
            "custom_vocabulary_config": {"vocabulary": ["a", {"value": "b", "intensity": 0.5}]},
            "custom_spelling": True,
            "custom_spelling_config": {"spelling_dictionary": {"Ada": ["ada", "aida"]}},
        },
        "messages_config": {"receive_partial_transcripts": True},
        "callback": True,
        "callback_config": {"url": "https://example.com/hook"},
        "custom_metadata": {"a": 1, "b": {"c": [None, "x"]}},
    }
)


def init_request(dice: Dice) -> None:
    """The body of POST /v2/live."""
    body = changed(dice, INIT).encode("utf-8", "surrogatepass")
    if dice.random() < 0.3:
        body = damaged(dice, body)
    try:
        found = parse_init(body)
    except (InvalidParametersError, MalformedJsonError) as error:
        str(error)
        return
    assert isinstance(found, InitRequest)
    again = msgspec.json.encode(found)
    assert parse_init(again) == found, "a request does not survive being written and read"


MESSAGES = (
    '{"type":"audio_chunk","data":{"chunk":"@"}}',
    '{ "type" : "audio_chunk" , "data" : { "chunk" : "@" , "more" : [1] } } ',
    '{"data":{"chunk":"@"},"type":"audio_chunk"}',
    '{"type":"stop_recording"}',
    '{"type":"audio_chunk","type":"stop_recording","data":{"chunk":"@"}}',
    '{"type":"ping","a":[{"b":[]}]}',
    "[]",
    '"@"',
)


FORGIVEN = {ord("-"): "+", ord("_"): "/"} | dict.fromkeys(map(ord, " \t\r\n\f\v"))
"""What base64 may hold beside its alphabet: the other alphabet, and white space."""


def client_message(dice: Dice) -> None:
    """A client's text: the reader of long ones and the reader of short ones agree."""
    chunk = base64.b64encode(dice.randbytes(dice.randrange(60))).decode()
    sent = changed(dice, dice.choice(MESSAGES).replace("@", changed(dice, chunk)))
    with suppress(UnicodeEncodeError):  # no frame can bring a half of a pair
        sent.encode()
        short, long = read(parse_client_message, sent), read(long_messages.parsed, sent)
        assert short == long, f"{short!r} != {long!r}"
        if isinstance(short, AudioChunk):
            plain = json.loads(sent)["data"]["chunk"].translate(FORGIVEN).rstrip("=")
            padding = "=" * (-len(plain) % 4)
            assert short.data.chunk == base64.b64decode(plain + padding, validate=True)


def read(reader: Callable[[str], ClientMessage], sent: str) -> ClientMessage | tuple[type, str]:
    """What a reader makes of a text, or its complaint."""
    try:
        return reader(sent)
    except BadMessageError as error:
        return type(error), str(error)


def wav(dice: Dice) -> bytes:
    """A WAV header, mostly whole."""
    form = dice.choice((b"RIFF", b"RF64", b"BW64", b"RIFX"))
    tag, channels = dice.choice((1, 3, 6, 7, 0xFFFE)), dice.randrange(9)
    rate, bits = dice.choice((8000, 16000, 48000, 0, 2**32 - 1)), dice.choice((8, 16, 24, 32, 0))
    words = (tag, channels, rate, rate * 2 % 2**32, 2, bits)
    fmt = b"".join(v.to_bytes(n, "little") for v, n in zip(words, (2, 2, 4, 4, 2, 2), strict=True))
    if tag == 0xFFFE:
        fmt += bytes((22, 0, 16, 0, 0, 0, 0, 0, 1, 0)) + bytes.fromhex(
            "000000001000800000aa00389b71"
        )
    chunks = [(b"fmt ", fmt)]
    for _ in range(dice.choice((0, 0, 1, 3, 70))):
        chunks.insert(dice.randrange(2), (dice.randbytes(4), dice.randbytes(dice.randrange(9))))
    found = form + dice.randbytes(4) + b"WAVE"
    for name, body in chunks:
        found += name + len(body).to_bytes(4, "little") + body + bytes(len(body) % 2)
    return found + b"data" + dice.randbytes(4) + dice.randbytes(dice.randrange(20))


def wav_header(dice: Dice) -> None:
    """A WAV header: what is said of a beginning holds however much more comes."""
    data = damaged(dice, wav(dice))
    whole = header_of(data)
    at = dice.randrange(len(data) + 1)
    part = header_of(data[:at])
    assert part is None or part == whole, f"{at} bytes: {part!r}, {len(data)}: {whole!r}"
    if whole is not None and not isinstance(whole, str):
        assert 0 <= whole <= min(len(data), MAX_HEADER_BYTES)


def header_of(data: bytes) -> int | str | None:
    """Size of the header, the complaint, or None while that is open."""
    try:
        found = inspect_header(data)
    except AudioFormatError as error:
        return str(error)
    return None if found is None else found.size


def resume(dice: Dice) -> None:
    """The search for the place of audio sent again ends, at a place that there is."""
    stored = dice.randbytes(dice.randrange(1, 1500))
    if dice.random() < 0.5:
        stored = (stored[:7] * 600)[: len(stored)]
    ends = tuple(sorted({0, *(dice.randrange(len(stored) + 1) for _ in range(dice.randrange(6)))}))
    sent = stored[dice.randrange(len(stored)) :] + dice.randbytes(dice.randrange(300))
    if dice.random() < 0.4:
        sent = damaged(dice, sent)
    found = place(dice, find_start(Known(len(stored), dice.choice(ends), ends)), stored, sent)
    assert 0 <= found.position <= len(stored)


def place(dice: Dice, search: Finding, stored: bytes, sent: bytes) -> Start:
    """Where a search ends that is given what it asks for."""
    given = 0
    try:
        wanted = next(search)
        for _ in range(10_000):
            if isinstance(wanted, Read):
                assert 0 <= wanted.start <= wanted.end <= len(stored)
                wanted = search.send(stored[wanted.start : wanted.end])
            else:
                step = sent[given : given + dice.randrange(1, 400)]
                given += len(step)
                wanted = search.send(step or None)
    except StopIteration as end:
        return cast("Start", end.value)
    raise AssertionError("the search does not end")


NAMES = ("offset", "limit", "date", "before_date", "after_date", "status", "custom_metadata")
VALUES = ("0", "20", "-1", "1e3", "2026-11-30", "2026-11-30T10:00:00Z", "0001-01-01T00:00:00+14:00")


def list_query(dice: Dice) -> None:
    """The query of a list of sessions."""
    pairs = []
    for _ in range(dice.randrange(5)):
        name = changed(dice, dice.choice((*NAMES, "custom_metadata[a]", "custom_metadata[")))
        value = changed(dice, dice.choice((*VALUES, "done", '{"a":[1]}', "9" * 4001, *ODD)))
        pairs.append((name, value))
    query = urlencode(pairs, errors="surrogatepass")
    if dice.random() < 0.2:
        query = changed(dice, query)
    try:
        found = parse_query(QueryParams(query))
    except InvalidParametersError:
        return
    assert found.offset >= 0
    assert 1 <= found.limit <= 100


URLS = (
    "https://example.com/hook?x=1",
    "http://user:pass@example.com:8080/",
    "https://[2606:4700::1111]:443/a",
    "http://93.184.216.34:80/%41",
    "https://xn--bcher-kva.example/b",
    "http://0x7f.1/",
    "https://bücher.example/",
)
REACH = Reach()


def callback_url(dice: Dice) -> None:
    """A callback's URL: what is taken means the same to the standard library."""
    url = changed(dice, dice.choice(URLS))
    try:
        found = target(url, REACH)
    except RefusedTargetError:
        return
    parts = urlsplit(url)
    assert parts.scheme == found.scheme
    assert (parts.port or (443 if found.scheme == "https" else 80)) == found.port
    if url.isascii() and found.address is None:
        assert parts.hostname == found.host
    if found.address is not None:
        assert REACH.permits(found.address)
    assert found.path.startswith("/")
    assert found.path.isascii()


DATES = ("Mon, 30 Nov 2026 10:00:00 GMT", "120", "Mon, 30 Nov 2026 10:00:00 +0100", "0", "1e9")
NOW = datetime(2026, 11, 30, tzinfo=UTC).timestamp()


def wait_header(dice: Dice) -> None:
    """A ``Retry-After``."""
    found = retry_after(changed(dice, dice.choice(DATES)), NOW)
    assert found is None or 0 <= found <= MAX_SECONDS


@cache
def samples() -> tuple[bytes, ...]:
    """Valid frames between server and worker."""
    spec = frames.EngineSpec("a.b:c", {"path": "x", "more": [1, 2.5, None, {"k": b"v"}]}, 100)
    answer = frames.Answer(b"\x81\xa4text\xa1x", "é")
    messages: list[frames.ToWorker | frames.FromWorker] = [
        spec,
        frames.Ready(Capabilities(languages=frozenset({"en"})), 5),
        frames.Refused("why"),
        frames.Begun(),
        frames.Decoded((answer, answer), 1.5, 7),
        frames.Decode(()),
    ]
    return tuple(frames.pack(message) for message in messages)


class _Sink:
    """Where a worker's requests go."""

    def write(self, data: bytes) -> None:
        """Lose it."""

    async def drain(self) -> None:
        """Nothing waits."""


class _Worker:
    """A process that says what it was made to say, and has ended."""

    pid, returncode, stderr = 1, 0, None

    def __init__(self, said: bytes) -> None:
        self.stdin = _Sink()
        self.stdout = asyncio.StreamReader()
        self.stdout.feed_data(said)
        self.stdout.feed_eof()

    async def wait(self) -> int:
        """It has ended."""
        return 0


async def worker_frame(dice: Dice) -> None:
    """A worker whose answer was damaged is given up, whatever it is that it says."""
    said = b"".join(damaged(dice, dice.choice(samples())) for _ in range(dice.randrange(3)))
    worker = WorkerProcess(cast("Any", _Worker(said)), Patience())
    with suppress(WorkerLostError):
        await worker.decode(())
    await worker.close()


@cache
def kept() -> tuple[bytes, bytes]:
    """A checkpoint and an announcement as they are kept."""
    state = checkpoint.Checkpoint(
        "live", CoreState(9, (), LanguageState(())), (VoiceState(),), 4096, 44, 3
    )
    event = announcement.Announcement("6f1c", "key é", b'{"type":"x"}', "https://a.example/", True)
    return checkpoint.encode(state), announcement.encode(event)


UNREADABLE = (checkpoint.CheckpointError, msgspec.DecodeError, UnicodeDecodeError)
"""What says that a stored value is damaged: msgspec lets a string's own error through."""


def stored_value(dice: Dice) -> None:
    """A checkpoint or an announcement, damaged on the disk."""
    state, event = kept()
    with suppress(*UNREADABLE):
        checkpoint.decode(damaged(dice, state))
    with suppress(*UNREADABLE):
        announcement.decode(damaged(dice, event))
    with suppress(*UNREADABLE):
        checkpoint.decode(dice.randbytes(dice.randrange(30)))


def numbered_text(dice: Dice) -> None:
    """Nothing but noise, for every reader of client texts."""
    noise = text(dice, 60)
    assert read(parse_client_message, noise) == read(long_messages.parsed, noise)
