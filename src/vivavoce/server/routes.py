"""The HTTP routes of live sessions. Contract §1."""

import re
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import msgspec
from msgspec import UNSET
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from vivavoce.archive.port import (
    FINISHED,
    NewRecord,
    NotFinishedError,
    NotFoundError,
    Record,
    Recordings,
    Records,
)
from vivavoce.archive.removal import remove
from vivavoce.delivery.house import Deliveries
from vivavoce.journal.port import NewSession
from vivavoce.protocol.close_codes import CloseCode
from vivavoce.protocol.errors import ApiError, request_id
from vivavoce.protocol.json_faults import json_fault
from vivavoce.protocol.request import InitRequest, nesting_fault, parse_init
from vivavoce.protocol.result import File, InitAnswer, Job, JobPage
from vivavoce.protocol.timestamps import iso
from vivavoce.protocol.validation import InvalidParametersError, MalformedJsonError
from vivavoce.server.addresses import base_url
from vivavoce.server.answers import json_answer, long_json_answer
from vivavoce.server.asking import body_of, checked, owner_of
from vivavoce.server.coarse_timers import CoarseTimers
from vivavoce.server.disk import DiskReserve
from vivavoce.server.gateway import Connection
from vivavoce.server.keys import KeyRing, digest, new_secret
from vivavoce.server.listing import page_links, parse_query
from vivavoce.server.metrics import Metrics
from vivavoce.server.reception import Reception
from vivavoce.server.recording_file import RecordingFile
from vivavoce.server.websocket.handshake_gate import HandshakeGate
from vivavoce.session.live import Live
from vivavoce.session.ports import Clock
from vivavoce.session.sessions import Sessions, TooManySessionsError

MAX_INIT_BYTES = 1 << 20
MAX_PATCH_BYTES = 100_000
BYTES = "application/octet-stream"

_POSITION = re.compile(r"[0-9]{1,15}")
_POSITION_FAULT = "position must be a number of bytes"


@dataclass(frozen=True, slots=True)
class LiveRoutes:
    """``/v2/live`` and below it."""

    sessions: Sessions
    records: Records
    recordings: Recordings
    keys: KeyRing
    deliveries: Deliveries
    refusal: Callable[[InitRequest], str | None]
    """Returns why a valid request cannot be served here, or None."""
    public_url: str | None
    wall: Clock
    metrics: Metrics
    handshake_gate: HandshakeGate
    reception: Reception
    disk: DiskReserve
    timers: CoarseTimers = field(default_factory=CoarseTimers)

    def routes(self) -> list[BaseRoute]:
        """The routes, most specific first."""
        return [
            Route("/v2/live", self.create, methods=["POST"]),
            Route("/v2/live", self.list, methods=["GET"]),
            Route("/v2/pre-recorded", self.list_pre_recorded, methods=["GET"]),
            Route("/v2/live/{id}", self.get, methods=["GET"]),
            Route("/v2/live/{id}", self.delete, methods=["DELETE"]),
            Route("/v2/live/{id}", self.patch, methods=["PATCH"]),
            Route("/v2/live/{id}/file", self.file, methods=["GET"]),
            WebSocketRoute("/v2/live", self.connect),
        ]

    async def create(self, request: Request) -> Response:
        """Create a session."""
        owner = owner_of(request, self.keys)
        wanted = await checked(parse_init, await body_of(request, MAX_INIT_BYTES))
        if reason := self.refusal(wanted):
            raise ApiError(422, reason)
        token = new_secret("")
        session = NewSession(
            id=str(uuid.uuid4()),
            token_hash=bytes.fromhex(digest(token)),
            request=msgspec.json.encode(wanted),
            created_at=self.wall(),
            owner=owner,
        )
        await self.disk.check()
        try:
            with self.reception.admit(wanted):
                await self.sessions.create(session, new_record(session, wanted))
        except TooManySessionsError as error:
            raise ApiError(429, str(error)) from error
        url = f"{self._base(request, websocket=True)}/v2/live?token={token}"
        return json_answer(InitAnswer(session.id, iso(session.created_at), url), 201)

    async def list(self, request: Request) -> Response:
        """Return a page of the owner's sessions, newest first, without their results."""
        owner = owner_of(request, self.keys)
        query = parse_query(request.query_params)
        found = await self.records.list(owner, query)
        following = query.offset + found.covered if found.more else None
        base = f"{self._base(request)}/v2/live"
        links = page_links(base, request.query_params, query, following)
        items = tuple(job(record) for record in found.records)
        return json_answer(JobPage(links.first, links.current, links.next, items))

    async def list_pre_recorded(self, request: Request) -> Response:
        """Return an empty page, which apps request to check whether their key is valid."""
        owner_of(request, self.keys)
        query = parse_query(request.query_params)
        base = f"{self._base(request)}/v2/pre-recorded"
        links = page_links(base, request.query_params, query, None)
        return json_answer(JobPage(links.first, links.current, links.next, ()))

    async def get(self, request: Request) -> Response:
        """Return a session with its result."""
        return await long_json_answer(job(await self._find(request, self.records.get)))

    async def delete(self, request: Request) -> Response:
        """Delete a session that is finished, or was never connected to."""
        record = await self._find(request, self.records.summary)
        if record.status not in FINISHED and await self.sessions.withdraw(record.id):
            record = await self.records.summary(record.id, record.owner)
        if record.status in FINISHED:
            await self.deliveries.forget(record.id)
        try:
            await remove(record, self.records, self.recordings)
        except NotFinishedError as error:
            raise ApiError(403, "the session has not ended yet") from error
        self.sessions.discard(record.id)
        return Response(status_code=202)

    async def patch(self, request: Request) -> Response:
        """Store the client's notes on a session."""
        record = await self._find(request, self.records.summary)
        body = await body_of(request, MAX_PATCH_BYTES)
        await checked(check_notes, body)
        await self.records.patch(record.id, record.owner, body)
        return Response(status_code=204)

    async def file(self, request: Request) -> Response:
        """Return the recording of a finished session."""
        record = await self._find(request, self.records.summary)
        try:
            found = await self.recordings.find(record.id)
        except NotFoundError as error:
            raise ApiError(404, "the recording is not there yet") from error
        name = f"{record.id}.wav"
        if found.path is not None:
            return RecordingFile(found.path, name, BYTES, partial(self._no, request))
        headers = {
            "content-length": str(found.size),
            "content-disposition": f'attachment; filename="{name}"',
        }
        blocks = self.recordings.read(record.id)
        return StreamingResponse(blocks, media_type=BYTES, headers=headers)

    async def connect(self, websocket: WebSocket) -> None:
        """Serve the WebSocket of a session; the token authenticates its client.

        ``position`` is the number of bytes of the session's audio before the first byte sent on
        this connection; without it, the position is found by comparing the audio.
        """
        token = websocket.query_params.get("token", "")
        token_hash = bytes.fromhex(digest(token))
        live = await self.sessions.find(token_hash)
        if live is None and self.sessions.ended.take(token_hash):
            await websocket.accept()
            await websocket.close(CloseCode.ENDED, CloseCode.ENDED.reason)
            return
        if live is None:
            self.metrics.unknown_tokens.inc()
            await websocket.close()  # before the handshake: the client receives 403
            return
        position = websocket.query_params.get("position")
        if position is not None and not _POSITION.fullmatch(position):
            await websocket.send_denial_response(self._refusal(websocket, _POSITION_FAULT))
            return
        with ExitStack() as held:
            try:
                held.enter_context(self._place(live))
            except ApiError as error:
                await websocket.send_denial_response(self._no(websocket, error))
                return
            if again := await self.handshake_gate.enter(token_hash, resumes=live.ever_connected):
                await websocket.send_denial_response(self._full(websocket, again))
                return
            await websocket.accept()
            claimed = None if position is None else int(position)
            connection = Connection(websocket, live, self.wall, self.metrics, self.timers, claimed)
            await connection.serve()

    @contextmanager
    def _place(self, live: Live) -> Iterator[None]:
        """Reserve a place among the open sessions, because only connected sessions cause load.

        Raises:
            ApiError: 429 if it is not open yet and the machine or its key has no capacity.
        """
        if not live.ever_connected:
            self.reception.check(live.format.channels)
        with ExitStack() as held:
            try:
                held.enter_context(self.sessions.opening(live))
            except TooManySessionsError as error:
                raise ApiError(429, str(error)) from error
            yield

    def _refusal(self, websocket: WebSocket, fault: str) -> Response:
        """Return the response to a handshake with an invalid parameter."""
        return self._no(websocket, ApiError(400, "Invalid parameter(s)", faults=(fault,)))

    def _full(self, websocket: WebSocket, again: int) -> Response:
        """Return the response to a handshake that the handshake gate refused."""
        refusal = ApiError(503, "too many clients connect at once", retry_after=again)
        return self._no(websocket, refusal)

    def _no(self, connection: HTTPConnection, refusal: ApiError) -> Response:
        body = refusal.body(
            path=connection.url.path, request_id=request_id(uuid.uuid4().hex), now=self.wall()
        )
        answer = json_answer(body, refusal.status)
        if refusal.retry_after:
            answer.headers["retry-after"] = str(refusal.retry_after)
        return answer

    async def _find(
        self, request: Request, read: Callable[[str, str], Awaitable[Record]]
    ) -> Record:
        owner = owner_of(request, self.keys)
        try:
            return await read(str(uuid.UUID(request.path_params["id"])), owner)
        except (ValueError, NotFoundError) as error:
            raise ApiError(404, "no such session") from error

    def _base(self, request: HTTPConnection, *, websocket: bool = False) -> str:
        return base_url(request, self.public_url, websocket=websocket)


def check_notes(body: bytes) -> None:
    """Check the client's notes on a session.

    Raises:
        MalformedJsonError: they are no JSON object.
        InvalidParametersError: they are nested too deeply.
    """
    try:
        metadata = msgspec.json.decode(body, type=dict)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise MalformedJsonError(
            f"the body must be a JSON object: {json_fault(body, error)}"
        ) from error
    if fault := nesting_fault("post_session_metadata", metadata):
        raise InvalidParametersError([fault])


def job(record: Record) -> Job:
    """Return a record in its API representation."""
    return Job(
        id=record.id,
        request_id=request_id(record.id),
        status=record.status.value,
        created_at=iso(record.created_at),
        completed_at=None if record.completed_at is None else iso(record.completed_at),
        custom_metadata=_raw(record.custom_metadata, UNSET),
        error_code=record.error_code,
        post_session_metadata=msgspec.Raw(record.post_session_metadata),
        file=_file(record),
        request_params=msgspec.Raw(record.request),
        result=_raw(record.result, None),
    )


def _file(record: Record) -> File | None:
    if record.file is None:
        return None
    return File(
        id=record.id,
        filename=record.file.filename,
        source=None,
        audio_duration=record.file.audio_duration,
        number_of_channels=record.file.number_of_channels,
    )


Absent = TypeVar("Absent")


def _raw(document: bytes | None, absent: Absent) -> msgspec.Raw | Absent:
    return absent if document is None else msgspec.Raw(document)


def new_record(session: NewSession, request: InitRequest) -> NewRecord:
    """Return the record of a session; the metadata is stored apart from the request."""
    metadata = request.custom_metadata
    shown = msgspec.structs.replace(request, custom_metadata=UNSET)
    return NewRecord(
        id=session.id,
        owner=session.owner,
        created_at=session.created_at,
        request=msgspec.json.encode(shown),
        custom_metadata=None if metadata is UNSET else msgspec.json.encode(metadata),
    )
