"""Runner of one live session: reads audio from the journal, writes messages to the journal.

It has no access to sockets. A restart is an ordinary start with a checkpoint.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from functools import partial

import msgspec

from vivavoce.journal.port import BreakMarker
from vivavoce.protocol.messages import Message, encode
from vivavoce.recognition.contract import SAMPLE_RATE
from vivavoce.recognition.errors import DecodeFailedError, Superseded
from vivavoce.recognition.jobs import PATIENCE, Job, JobKind
from vivavoce.session import checkpoint as checkpoints
from vivavoce.session.asking import decode_request
from vivavoce.session.checkpoint import Checkpoint, Stage
from vivavoce.session.core import Core, seconds
from vivavoce.session.dozing import Dozing
from vivavoce.session.ear import Ear
from vivavoce.session.effects import Abandon, Confirm, Decode, Effect, Tell
from vivavoce.session.guesses import Guesses
from vivavoce.session.language import LanguageRules
from vivavoce.session.pacing import Pace
from vivavoce.session.ports import Client, Outside

MOST_WAITING = 8
"""Utterances without a final from which reading pauses; further audio stays in the journal."""


FIRST_SPEECH = SAMPLE_RATE
"""Speech, in samples, up to which every partial counts as a first one.

Speaking a first word that can be shown takes about this long.
"""


class Voice(msgspec.Struct, frozen=True):
    """The models that serve a session.

    Attributes:
        rules: its languages.
        engines: name of the engine that decodes finals, by language.
        identifier: the engine that identifies the language; needed with several languages.
        partial_engines: name of the engine that decodes partials, by language, where it may
            differ. The context of finals consists of finals only, so this choice changes no final.
    """

    rules: LanguageRules
    engines: Mapping[str, str]
    identifier: str = ""
    partial_engines: Mapping[str, str] = {}

    @property
    def first(self) -> str:
        """Name of the engine that is needed first."""
        return self.identifier if self.rules.guessing else self.engines[self.rules.candidates[0]]

    @property
    def needed(self) -> tuple[str, ...]:
        """Engines that are certainly needed."""
        if self.rules.guessing:
            return (self.identifier,)
        partial = self.partial_engines.get(self.rules.candidates[0], self.first)
        return (self.first,) if partial == self.first else (self.first, partial)

    @property
    def required(self) -> tuple[str, ...]:
        """Engines that finals may need; those of partials are not included."""
        finals = (self.engines[language] for language in self.rules.candidates)
        identifier = (self.identifier,) if self.rules.guessing else ()
        return tuple(dict.fromkeys((*identifier, *finals)))

    @property
    def everyone(self) -> frozenset[str]:
        """Engines that may be asked for text."""
        return frozenset((*self.engines.values(), *self.partial_engines.values()))

    def engine_for(self, request: Decode) -> str:
        """Return the name of the engine for a request."""
        if request.purpose == "language":
            return self.identifier
        final = self.engines[request.language]
        partial = self.partial_engines.get(request.language, final)
        return partial if request.purpose == "partial" else final

    def with_one_engine(self) -> "Voice":
        """Return a copy whose partials are decoded by the engines of the finals."""
        return msgspec.structs.replace(self, partial_engines={})

    def candidates(self, request: Decode) -> tuple[str, ...]:
        """Return the languages among which a request chooses."""
        return self.rules.candidates if request.purpose == "language" else ()


class Runner:
    """Transcribes one live session."""

    def __init__(
        self, session_id: str, voice: Voice, core: Core, ear: Ear, outside: Outside, client: Client
    ) -> None:
        self._id = session_id
        self._voice = voice
        self._core = core
        self._ear = ear
        self._outside = outside
        self._client = client
        # Serialises the steps of the core, each together with the commit of its messages.
        self._turn = asyncio.Lock()
        self._progress = asyncio.Event()
        # Requests whose audio is not read again yet, after a restart.
        self._held: list[Decode] = []
        self._pace = Pace()
        self._dozing = Dozing(ear.format)
        self._guesses = Guesses(outside)
        self._tasks: asyncio.TaskGroup
        self._processed = ear.position  # bytes whose windows the core has processed

    def nothing_open(self, end: int) -> bool:
        """Return whether all audio before byte ``end`` is processed and no utterance is open."""
        return not self._core.speaking and self._processed + self._dozing.still_bytes >= end

    @property
    def settled_seconds(self) -> float:
        """Seconds up to which every final is emitted."""
        return seconds(self._core.settled)

    def checkpoint(self, stage: Stage = "live") -> Checkpoint:
        """Return a checkpoint of the current state."""
        return Checkpoint(
            stage,
            self._core.state,
            self._ear.voices,
            self._ear.heard,
            self._ear.header_bytes,
            self._client.delivered,
        )

    async def run(self) -> None:
        """Process audio until it is sealed and every final is emitted."""
        for engine in self._voice.needed:
            self._outside.recogniser.prepare(self._id, engine)
        try:
            await self._run()
        finally:
            self._outside.recogniser.cancel(self._id)

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            self._held = self._core.resume()
            async with aclosing(
                self._outside.journal.tail_audio(
                    self._id,
                    self._ear.position,
                    self._dozing.worth,
                    after_marker=self._core.last_marker,
                )
            ) as audio:
                async for item in audio:
                    if isinstance(item, BreakMarker):
                        await self._interrupt(item)
                        continue
                    self._dozing.heard()
                    await self._catch_up()
                    await self._hear(self._ear.hear, item)
            await self._hear(self._ear.finish)
            async with self._turn:
                await self._apply(self._core.stop(self._ear.heard, self._outside.wall()))

    async def _hear(self, listen: Callable[..., Sequence[Sequence[float]]], *audio: bytes) -> None:
        async with self._turn:
            probabilities = await self._outside.hearing.run(partial(listen, *audio))
            if finding := self._ear.take_finding():
                self._client.report(finding)
            now = self._outside.wall()
            begun = self._core.begin(now) if audio else []
            await self._apply([*begun, *self._core.hear(probabilities, now)])
            self._dozing.resting = self._core.resting and not self._held
            self._processed = self._ear.position

    async def _interrupt(self, marker: BreakMarker) -> None:
        """End the open utterances at the marker, directly after the audio processed so far."""
        async with self._turn:
            now = self._outside.wall()
            position = self._ear.heard
            await self._apply(self._core.interrupt(marker.number, marker.channel, position, now))
            self._dozing.resting = self._core.resting and not self._held

    async def _catch_up(self) -> None:
        """Wait until fewer than ``MOST_WAITING`` finals are outstanding.

        Do not wait while a request is held after a restart: its audio must be read first.
        """
        while self._core.waiting >= MOST_WAITING and not self._held:
            self._progress.clear()
            await self._progress.wait()

    async def _apply(self, effects: Iterable[Effect]) -> None:
        """Execute effects and commit their messages; the caller holds the lock.

        Results wait for the lock, so none is processed before the step that requested it is
        durable.
        """
        told: list[Message] = []
        shown: list[Message] = []
        for effect in effects:
            match effect:
                case Tell():
                    told.append(effect.message)
                case Decode():
                    self._held.append(effect)
                case Confirm():
                    self._guesses.confirm(effect)
                case Abandon():
                    self._guesses.abandon(effect)
                case _:
                    shown.append(effect.message)
                    self._client.show(effect.message)
        self._ask()
        announcements = self._client.announcements(*shown, *told)
        if told or announcements:
            state = checkpoints.encode(self.checkpoint()) if told else None
            messages = [encode(message) for message in told]
            await self._outside.journal.commit(self._id, messages, state, announcements)
        self._guesses.committed()
        for channel in range(len(self._ear.voices)):
            self._ear.forget(channel, self._core.keep_from(channel))

    def _ask(self) -> None:
        """Submit the held requests whose audio has been read."""
        held, self._held = self._held, []
        for request in held:
            if request.end > self._ear.end:
                self._held.append(request)
                continue
            spoken = self._pace.spoken(seconds(request.end), self._outside.monotonic())
            refresh = _kind(request) == "refresh_partial"
            if refresh and not self._wants_refresh(request.channel, spoken):
                continue
            job = self._job(request, spoken)
            name = f"decode {self._id} {request.channel} {request.utterance} {request.purpose}"
            task = self._tasks.create_task(self._decode(request, job), name=name)
            if request.foreseen:
                self._guesses.begin(request, job, task)

    def _wants_refresh(self, channel: int, spoken: float) -> bool:
        return self._outside.recogniser.wants_refresh(self._id, channel, spoken)

    def _job(self, request: Decode, spoken: float) -> Job:
        """Return the job for a request, with a copy of its samples."""
        kind = _kind(request)
        return Job(
            session=self._id,
            channel=request.channel,
            kind=kind,
            engine=self._voice.engine_for(request),
            deadline=spoken + PATIENCE[kind],
            request=decode_request(self._ear, request, self._voice.candidates(request)),
        )

    async def _decode(self, request: Decode, job: Job) -> None:
        asked = self._outside.monotonic()
        try:
            hypothesis = await self._outside.recogniser.decode(job)
        except (Superseded, DecodeFailedError):
            # The core reports a failed final to the client; a partial may simply be missing.
            hypothesis = None
        async with self._turn:
            self._guesses.answered(request)
            await self._apply(self._core.take(request, hypothesis, self._outside.wall()))
        if job.is_final:
            self._outside.took(self._outside.monotonic() - asked)
        self._progress.set()


def _kind(request: Decode) -> JobKind:
    if request.foreseen:
        return "foreseen"
    if request.purpose != "partial":
        return request.purpose
    begun = request.end - request.speech_start < FIRST_SPEECH
    return "first_partial" if begun or not request.refresh else "refresh_partial"
