"""Builds the application from the settings; the only module that names every adapter."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from functools import partial

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from vivavoce import __version__
from vivavoce.archive.recordings import LocalRecordings
from vivavoce.archive.records import SqlRecords
from vivavoce.inference import open_graph
from vivavoce.journal.port import JournalError
from vivavoce.journal.sqlite import SqliteJournal
from vivavoce.protocol.errors import ApiError
from vivavoce.protocol.request import InitRequest
from vivavoce.recognition.recogniser import Recogniser
from vivavoce.server.answers import REFUSALS, error_handler, json_answer
from vivavoce.server.cross_origin import CrossOrigin
from vivavoce.server.delivering import callback_refusal, open_deliveries, reach
from vivavoce.server.disk import DiskReserve
from vivavoce.server.documents import Documents
from vivavoce.server.exposition import Exposition
from vivavoce.server.forwarded import believing
from vivavoce.server.key_guard import KeyGuard
from vivavoce.server.keys import KeyRing
from vivavoce.server.metrics import Metrics, Readings, Sources
from vivavoce.server.operator_access import OperatorAccess
from vivavoce.server.reception import Reception
from vivavoce.server.routes import LiveRoutes
from vivavoce.server.settings import Settings
from vivavoce.server.voices import Voices
from vivavoce.server.watchdog import Watchdog
from vivavoce.server.webhooks import WebhookRoutes
from vivavoce.server.websocket.handshake_gate import HandshakeGate
from vivavoce.session.finishing import Finisher
from vivavoce.session.hearing import Hearing
from vivavoce.session.life import Life
from vivavoce.session.live import Limits
from vivavoce.session.opening import Opening
from vivavoce.session.ports import Outside
from vivavoce.session.runner import Voice
from vivavoce.session.sessions import Sessions
from vivavoce.speech.silero import VoiceActivity
from vivavoce.supervision import Supervisor

MEBIBYTE = 1 << 20


class Health:
    """The routes ``/health`` and ``/ready``."""

    def __init__(
        self,
        recogniser: Recogniser,
        journal: SqliteJournal,
        supervisor: Supervisor,
        access: OperatorAccess,
    ) -> None:
        self._recogniser = recogniser
        self._journal = journal
        self._supervisor = supervisor
        self._access = access

    async def health(self, _: Request) -> Response:
        """Answer that the process is up."""
        return json_answer({"health": "OK"})

    async def ready(self, request: Request) -> Response:
        """Return whether models are warm, audio can be stored and all background tasks run.

        Only the operator sees the details. A wrong key is refused, so that attempts to guess keys
        are counted here as well.
        """
        if self._access.has_wrong_key(request):
            raise ApiError(401, "gladia key not found")
        engines = self._recogniser.health()
        failure = self._journal.failure
        down = self._supervisor.down
        unavailable = self._recogniser.unavailable
        ready = failure is None and self._recogniser.ready and not (down or unavailable)
        body = {
            "ready": ready,
            "journal": "OK" if failure is None else str(failure),
            "tasks": dict.fromkeys(down, "failed and is being restarted") or "OK",
            "engines": {
                name: f"{pool.ready} of {pool.size}" + ", cannot start" * (name in unavailable)
                for name, pool in engines.items()
                if name in self._recogniser.loaded
            },
        }
        shown = body if self._access.allows(request) else {"ready": ready}
        return json_answer(shown, 200 if ready else 503)


async def open_routes(
    settings: Settings,
    keys: KeyRing,
    stack: AsyncExitStack,
    voices: Voices,
    metrics: Metrics,
    on_broken: Callable[[JournalError], None],
) -> list[BaseRoute]:
    """Open all components behind the routes; the stack closes them in reverse order.

    ``on_broken`` is called if the journal cannot continue.

    Raises:
        ModelError: a model that the server starts with is not installed.
        FolderInUseError: another server uses the data folder.
        JournalError, OSError: the data folder cannot be used.
    """
    voices.check()
    supervisor = Supervisor(
        count_failure=metrics.count_background_failure, count_unreadable=metrics.count_unreadable
    )
    asyncio.get_running_loop().set_exception_handler(supervisor.loop_failed)
    await stack.enter_async_context(
        Watchdog(
            metrics.loop_late.observe,
            metrics.loop_busy.observe,
            metrics.collection_time.observe,
            partial(supervisor.failed, "watchdog"),
        )
    )
    journal = await SqliteJournal.open(
        settings.data / "journal.db",
        on_broken=on_broken,
        on_commit=metrics.commit_time.observe,
        supervisor=supervisor,
    )
    stack.push_async_callback(journal.close)
    records = await SqlRecords.open(
        f"sqlite:///{settings.data / 'records.db'}",
        on_unreadable=lambda session, error: supervisor.unreadable(
            "record", error, session=session
        ),
    )
    stack.push_async_callback(records.close)
    recordings = LocalRecordings(settings.data / "recordings")
    recogniser = Recogniser(
        voices.engines(settings.device),
        clock=time.monotonic,
        workers=settings.workers or None,
        growth=settings.worker_growth * MEBIBYTE,
        memory_mb=settings.model_memory or None,
        supervisor=supervisor,
    )
    stack.push_async_callback(recogniser.close)
    await recogniser.start()
    executor = ThreadPoolExecutor(1, thread_name_prefix="hearing")
    stack.callback(executor.shutdown)
    hearing = Hearing(executor, time.monotonic)
    outside = Outside(
        journal,
        recogniser,
        hearing,
        time.time,
        time.monotonic,
        metrics.time_to_final.observe,
        metrics.count_foreseen,
    )
    voice_activity = VoiceActivity(open_graph(voices.voice_activity_model()))
    opening = Opening(
        outside,
        voice_activity,
        chooser(voices, recogniser),
        settings.context,
        settings.early_finals,
    )
    finisher = Finisher(journal, records, recordings, time.time)
    life = Life(journal, records, finisher, opening.begin, time.time, supervisor=supervisor)
    deliveries, transport = await open_deliveries(settings, journal, stack, supervisor)
    failing = failing_engine(opening.choose_voice, recogniser)
    sessions = Sessions(
        journal,
        records,
        life,
        limits(settings),
        time.monotonic,
        supervisor=supervisor,
        failing_engine=failing,
    )
    await sessions.start()
    stack.push_async_callback(sessions.aclose)
    voices.tell()
    access = OperatorAccess.of(settings, keys)
    health = Health(recogniser, journal, supervisor, access)
    allowed = reach(settings)
    webhooks = WebhookRoutes(deliveries.ledger, keys, transport, allowed, time.time)
    reception = Reception(settings.max_load, sessions, recogniser, time.monotonic, failing)
    disk = DiskReserve(settings.data, settings.disk_reserve * MEBIBYTE, time.monotonic)
    metrics.registry.register(
        Readings(Sources(sessions, recogniser, journal, deliveries, reception, disk))
    )

    async def measure() -> None:
        await deliveries.count()
        await disk.refresh()

    exposition = Exposition(metrics, access, measure)
    live = LiveRoutes(
        sessions=sessions,
        records=records,
        recordings=recordings,
        keys=keys,
        deliveries=deliveries,
        refusal=lambda wanted: voices.refusal(wanted) or callback_refusal(wanted, allowed),
        public_url=settings.public_url,
        wall=time.time,
        metrics=metrics,
        handshake_gate=HandshakeGate(metrics),
        reception=reception,
        disk=disk,
    )
    return [
        Route("/health", health.health),
        Route("/ready", health.ready),
        exposition.route(),
        *live.routes(),
        Route("/v2/live/", live.create, methods=["POST"]),  # used by some clients and proxies
        *webhooks.routes(),
    ]


def chooser(voices: Voices, recogniser: Recogniser) -> Callable[[InitRequest], Voice]:
    """Return a function that selects the models of a session.

    Two engines that evict each other from memory delay every word: if both do not fit, the engine
    of the finals also serves the partials.
    """

    def chosen(request: InitRequest) -> Voice:
        voice = voices.choose(request)
        return voice if recogniser.fits(voice.everyone) else voice.with_one_engine()

    return chosen


def failing_engine(
    choose: Callable[[InitRequest], Voice], recogniser: Recogniser
) -> Callable[[InitRequest], str | None]:
    """Return a function that returns a required engine that cannot start, or None."""

    def failing(request: InitRequest) -> str | None:
        unavailable = recogniser.unavailable
        if not unavailable:
            return None
        return next((name for name in choose(request).required if name in unavailable), None)

    return failing


def limits(settings: Settings) -> Limits:
    """Return the limits of each session."""
    return Limits(
        duration=settings.max_duration,
        resume=settings.resume_grace,
        farewell=settings.farewell_grace,
        idle=settings.idle_limit,
        connect=settings.connect_limit,
        sessions=settings.max_sessions,
        quiet=settings.max_quiet,
        mute_finalize=settings.mute_finalize,
        unopened=settings.max_unopened,
        engine=settings.engine_patience,
    )


def build(settings: Settings, routes: Sequence[BaseRoute], metrics: Metrics) -> Starlette:
    """Build the application around the routes."""
    handle = error_handler(time.time)
    cors = Middleware(
        CrossOrigin,
        allow_origins=["*"],
        allow_methods=["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"],
        allow_headers=["*"],
        allow_private_network=True,
    )
    guard = Middleware(KeyGuard, count=metrics.failed_keys.inc, clock=time.monotonic)
    app = Starlette(
        routes=[*routes, *Documents(__version__, settings.public_url).routes()],
        middleware=[*believing(settings.trusted_proxies), cors, guard],
        exception_handlers=dict.fromkeys((*REFUSALS, Exception), handle),
    )
    app.router.redirect_slashes = False  # a path with a wrong slash is a 404
    return app
