"""Runs one live session: journal audio in, journal messages out.

It knows no socket. Audio comes from the journal, messages go to the journal, and a restart is
the ordinary way in with a checkpoint.
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
"""Utterances without a final before the session stops reading: the backlog stays in the journal."""


FIRST_SPEECH = SAMPLE_RATE
"""Speech of which every partial counts as a first one: it takes so long to say a word that shows.
"""


class Voice(msgspec.Struct, frozen=True):
    """Who listens to a session.

    Attributes:
        rules: in which languages.
        engines: the engine, by name, that makes finals in each of them.
        identifier: the engine that tells them apart; needed where there are several.
        partial_engines: the one that makes partials, where that may be another. What a final is
            decoded with are finals alone, so who makes partials changes none of them.
    """

    rules: LanguageRules
    engines: Mapping[str, str]
    identifier: str = ""
    partial_engines: Mapping[str, str] = {}

    @property
    def first(self) -> str:
        """The engine that is needed first."""
        return self.identifier if self.rules.guessing else self.engines[self.rules.candidates[0]]

    @property
    def needed(self) -> tuple[str, ...]:
        """The engines that are needed for certain."""
        if self.rules.guessing:
            return (self.identifier,)
        partial = self.partial_engines.get(self.rules.candidates[0], self.first)
        return (self.first,) if partial == self.first else (self.first, partial)

    @property
    def required(self) -> tuple[str, ...]:
        """The engines without which its finals may not come; those of partials are not."""
        finals = (self.engines[language] for language in self.rules.candidates)
        identifier = (self.identifier,) if self.rules.guessing else ()
        return tuple(dict.fromkeys((*identifier, *finals)))

    @property
    def everyone(self) -> frozenset[str]:
        """The engines that may be asked for text."""
        return frozenset((*self.engines.values(), *self.partial_engines.values()))

    def engine_for(self, request: Decode) -> str:
        """The engine that answers a request."""
        if request.purpose == "language":
            return self.identifier
        final = self.engines[request.language]
        partial = self.partial_engines.get(request.language, final)
        return partial if request.purpose == "partial" else final

    def with_one_engine(self) -> "Voice":
        """The same, with partials by whoever makes the finals."""
        return msgspec.structs.replace(self, partial_engines={})

    def candidates(self, request: Decode) -> tuple[str, ...]:
        """The languages among which the answer to a request has to choose."""
        return self.rules.candidates if request.purpose == "language" else ()


class Runner:
    """One live session under way."""

    def __init__(
        self, session_id: str, voice: Voice, core: Core, ear: Ear, outside: Outside, client: Client
    ) -> None:
        self._id = session_id
        self._voice = voice
        self._core = core
        self._ear = ear
        self._outside = outside
        self._client = client
        # One step of the core at a time, together with the commit of what it said.
        self._turn = asyncio.Lock()
        self._progress = asyncio.Event()
        # Requests whose audio has yet to be read again, after a restart.
        self._held: list[Decode] = []
        self._pace = Pace()
        self._dozing = Dozing(ear.format)
        self._guesses = Guesses(outside)
        self._tasks: asyncio.TaskGroup
        self._processed = ear.position  # bytes whose windows the core has taken

    def nothing_open(self, end: int) -> bool:
        """Whether no utterance is open at byte ``end``, all audio before it considered."""
        return not self._core.speaking and self._processed + self._dozing.still_bytes >= end

    @property
    def settled_seconds(self) -> float:
        """Seconds up to which every final is out."""
        return seconds(self._core.settled)

    def checkpoint(self, stage: Stage = "live") -> Checkpoint:
        """The session as it stands."""
        return Checkpoint(
            stage,
            self._core.state,
            self._ear.voices,
            self._ear.heard,
            self._ear.header_bytes,
            self._client.delivered,
        )

    async def run(self) -> None:
        """Read the audio until it is sealed and every final is out."""
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
        """End what is open where the marker stands: right behind the audio heard so far."""
        async with self._turn:
            now = self._outside.wall()
            position = self._ear.heard
            await self._apply(self._core.interrupt(marker.number, marker.channel, position, now))
            self._dozing.resting = self._core.resting and not self._held

    async def _catch_up(self) -> None:
        """Wait until few enough finals are outstanding.

        Not while one is held, after a restart: its audio must be read before anything can move.
        """
        while self._core.waiting >= MOST_WAITING and not self._held:
            self._progress.clear()
            await self._progress.wait()

    async def _apply(self, effects: Iterable[Effect]) -> None:
        """Show, ask, and commit what must be told; the caller holds the turn.

        Answers wait for the turn, so none is taken before what led to its request is durable.
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
        """Ask for what can be asked for by now."""
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
        """The job for a request; it takes the samples along, which may be forgotten later."""
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
            # The core tells the client of a final that failed; a partial may just be missing.
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
