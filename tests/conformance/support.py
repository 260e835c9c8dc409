"""What the checks share: servers, keys, sessions of real speech, and how to take them apart."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from integration.server_process import KEY, ServerProcess
from integration.speech import TWO_CITIES, Clip, models_folder, pieces, spoken
from integration.wire import Api, Json, Line, Session, finals, of_type, session
from vivavoce.recognition.catalogue import load_catalogue
from vivavoce.recognition.model_errors import ModelError
from vivavoce.recognition.store import ModelStore
from vivavoce.server.keys import digest

OTHER_KEY = "a-key-of-somebody-else"
CROWDED_KEY = "a-key-with-many-sessions"
KEYS = {KEY: "main", OTHER_KEY: "other", CROWDED_KEY: "crowded"}
ENGLISH: Json = {"language_config": {"languages": ["en"]}}
EVERY_MESSAGE = dict.fromkeys(
    (
        "receive_partial_transcripts",
        "receive_final_transcripts",
        "receive_speech_events",
        "receive_pre_processing_events",
        "receive_realtime_processing_events",
        "receive_post_processing_events",
        "receive_acknowledgments",
        "receive_errors",
        "receive_lifecycle_events",
    ),
    True,
)
CALLBACKS_HERE = {"VIVAVOCE_CALLBACK_NETWORKS": "127.0.0.0/8", "VIVAVOCE_CALLBACK_PORTS": ""}
"""Settings that let callbacks reach this machine, on any port."""

PHRASE = Clip(TWO_CITIES[:24], 1.1, 2.9)
"""Short words without a pause: it was the best of times."""
MIB = 1 << 20
SECOND = 32_000
"""Bytes of a second of 16-bit mono at 16 kHz."""


class KeyedServer(ServerProcess):
    """A server with several accounts, and the models of this machine."""

    def __init__(self, data: Path, settings: Mapping[str, str] | None = None) -> None:
        models = {"VIVAVOCE_MODELS": str(models_folder())}
        super().__init__(data, models | dict(settings or {}), key=None)
        data.mkdir(mode=0o700, parents=True)
        owners = {digest(key): owner for key, owner in KEYS.items()}
        (data / "keys.json").write_text(json.dumps(owners))


def need_models() -> None:
    """Skip where the models and samples are not installed that the server starts with."""
    store = ModelStore(models_folder())
    try:
        for model in load_catalogue().models:
            if model.default:
                store.path(model)
    except ModelError as error:
        pytest.skip(f"run make models: {error}")


@dataclass(frozen=True)
class Run:
    """A session that is over: what was sent, what was heard, and what is stored."""

    session: Session
    audio: bytes
    messages: list[Json]
    close_code: int | None
    job: Json
    recording: bytes

    @property
    def result(self) -> Json:
        """The stored result."""
        return dict(self.job["result"])

    @property
    def finals(self) -> list[Json]:
        """The data of the final transcripts."""
        return finals(self.messages)

    def of_type(self, *kinds: str) -> list[Json]:
        """Messages of some types."""
        return of_type(self.messages, *kinds)


@dataclass(frozen=True)
class Parked:
    """A session that its client has dropped in the middle, and what it has yet to say."""

    session: Session
    rest: bytes
    dropped_at: float


def mono(clip: Clip) -> bytes:
    """A clip as the default format has it: 16 bits, 16 kHz."""
    return spoken(clip).audio


async def run(
    api: Api,
    audio: bytes,
    *,
    pause: float = 0.0,
    chunk: int = 6400,
    **init: Any,
) -> Run:
    """A whole session in English, audio as fast as it is taken or with a pause after each chunk."""
    async with session(api, **ENGLISH | init) as (made, talking):
        for piece in pieces(audio, chunk):
            await talking.socket.send(piece)
            await asyncio.sleep(pause)
        await talking.stop()
        await talking.rest()
    return await ended(api, made, audio, talking)


async def ended(api: Api, made: Session, audio: bytes, talking: Line) -> Run:
    """A session that was heard to its end, with what is stored of it."""
    job = await api.done(made.id)
    recording = await api.recording(made.id)
    return Run(made, audio, talking.heard, talking.close_code, job, recording)


async def finish(talking: Line, rest: Sequence[bytes] = ()) -> list[Json]:
    """Send the rest, stop, and hear the session out."""
    await talking.send(rest)
    await talking.stop()
    return await talking.rest()


async def refusals(api: Api, **init: Any) -> list[str]:
    """The validation errors with which a session is refused."""
    answer = await api.call("POST", "/v2/live", init)
    assert answer.status_code == 400, (init, answer.text)
    return list(answer.json()["validation_errors"])


async def accepts(api: Api, **init: Any) -> None:
    """A session with this configuration can be made."""
    answer = await api.call("POST", "/v2/live", init)
    assert answer.status_code == 201, (init, answer.text)


async def handshake_status(url: str, **options: Any) -> int:
    """The HTTP status with which a handshake is refused."""
    with pytest.raises(InvalidStatus) as refused:
        async with connect(url, **options):
            pass
    return int(refused.value.response.status_code)


@asynccontextmanager
async def raw_socket(url: str, **options: Any) -> AsyncIterator[ClientConnection]:
    """A socket whose frames the check reads itself."""
    async with connect(url, max_size=None, compression=None, **options) as socket:
        yield socket


def label() -> str:
    """A text that no other test uses."""
    return uuid.uuid4().hex


def utterances(data: Iterable[Json]) -> list[Json]:
    """What matters of finals, to compare two runs of the same audio."""
    return [{"id": final["id"], **final["utterance"]} for final in data]


def spoken_words(run: Run) -> str:
    """The text of a run's finals."""
    return "".join(final["utterance"]["text"] for final in run.finals)
