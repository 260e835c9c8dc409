"""What a connection may do with a live session; the clock is ours."""

import asyncio
from functools import partial
from random import randbytes
from threading import get_ident
from typing import cast

import pytest

from vivavoce.audio.format import AudioFormat
from vivavoce.audio.recording import write_header
from vivavoce.audio.wav_header import HeaderReader
from vivavoce.journal.memory import MemoryJournal
from vivavoce.journal.port import LiveSession, NewSession, UnavailableError
from vivavoce.protocol.request import InitRequest
from vivavoce.session.arrival import Arrival
from vivavoce.session.connections import Resumes, Turn
from vivavoce.session.live import AlreadyStoppedError, Limits, Live
from vivavoce.session.resume import Finding, Known, Start, find_start

LIMITS = Limits(duration=100, resume=300, farewell=15, idle=60, connect=3600, sessions=10)
SECOND = bytes(32_000)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


class SometimesBrokenJournal(MemoryJournal):
    broken = False

    async def seal(self, session_id: str) -> int:
        if self.broken:
            raise UnavailableError("the disk does not answer")
        return await super().seal(session_id)


@pytest.fixture
def journal() -> SometimesBrokenJournal:
    return SometimesBrokenJournal()


@pytest.fixture
async def live(journal: MemoryJournal, clock: Clock) -> Live:
    session = NewSession("s", b"t", b"{}", 0.0, "default")
    await journal.create(session)
    stored = LiveSession(session, audio_end=0, sealed=False)
    return Live(stored, InitRequest(), AudioFormat(), journal, LIMITS, clock, resumes=Resumes())


async def test_a_chunk_is_answered_with_its_bytes_and_seconds(live: Live) -> None:
    assert (await live.append(SECOND)).time_range == (0.0, 1.0)
    second = await live.append(SECOND)
    assert (second.byte_range, second.time_range) == ((32_000, 64_000), (1.0, 2.0))


async def test_a_header_takes_bytes_and_no_time(live: Live) -> None:
    header = write_header(AudioFormat(), 16_000)
    ranges = await live.append(header + SECOND)
    assert ranges.byte_range == (0, len(header) + 32_000)
    assert ranges.time_range == (0.0, 1.0)


async def test_a_header_that_was_not_stored_is_read_when_it_comes_again(
    live: Live, journal: MemoryJournal
) -> None:
    header = write_header(AudioFormat(), 16_000)
    await live.append(header[:20])
    journal.failure = UnavailableError("the disk is full")
    with pytest.raises(UnavailableError):
        await live.append(header[20:])
    journal.failure = None
    await live.append(header[20:])
    assert (await live.append(SECOND)).time_range == (0.0, 1.0)


async def test_a_stop_that_could_not_be_noted_can_be_said_again(
    live: Live, journal: SometimesBrokenJournal
) -> None:
    await live.append(SECOND)
    journal.broken = True
    with pytest.raises(UnavailableError):
        await live.stop()
    assert not live.stopped
    journal.broken = False
    assert (await live.stop()).recording_duration == 1.0
    with pytest.raises(AlreadyStoppedError):
        await live.stop()
    with pytest.raises(AlreadyStoppedError):
        await live.append(SECOND)


async def test_a_connection_whose_stop_could_not_be_noted_takes_audio_and_a_stop_again(
    live: Live, journal: SometimesBrokenJournal
) -> None:
    arrival = Arrival(live)
    await arrival.open()
    await arrival.take(SECOND)
    journal.broken = True
    with pytest.raises(UnavailableError):
        await arrival.stop()
    journal.broken = False
    assert (await arrival.take(SECOND)).byte_range == (32_000, 64_000)
    assert (await arrival.stop()).recording_duration == 2.0
    with pytest.raises(AlreadyStoppedError):
        await arrival.take(SECOND)


def take_notice(told: list[tuple[int, str]], at: int, _: str, text: str) -> bool:
    told.append((at, text))
    return True


async def test_the_recording_ends_at_the_longest_duration_after_a_warning(live: Live) -> None:
    told: list[tuple[int, str]] = []
    for second in range(int(LIMITS.duration)):
        live.on_notice = partial(take_notice, told, second + 1)
        await live.append(SECOND)
    assert live.stopped
    warning, end = told
    assert warning == (LIMITS.duration - 60, "the recording will end at 100 s")
    assert end == (LIMITS.duration, "the recording ends at 100 s")


async def test_a_client_has_its_time_to_come_to_speak_and_to_come_back(
    live: Live, clock: Clock
) -> None:
    def gone(seconds: float) -> bool:
        clock.now += seconds
        return live.abandoned

    assert not gone(LIMITS.connect)
    assert gone(1)
    first, second = Turn(), Turn()
    await live.connect(first)
    assert not gone(LIMITS.idle)
    assert gone(1)
    live.disconnect(first)
    assert not gone(LIMITS.resume)
    assert gone(1)
    await live.connect(second)
    live.disconnect(second, farewell=True)
    assert not gone(LIMITS.farewell)
    assert gone(1)


async def test_empty_chunks_keep_a_session_open_for_a_while_only(live: Live, clock: Clock) -> None:
    """An empty chunk every few minutes used to keep it open indefinitely."""
    await live.connect(Turn())

    async def empty_chunks(seconds: float) -> bool:
        until = clock.now + seconds
        while clock.now < until:
            clock.now += LIMITS.idle / 2
            await live.append(b"")
        return live.abandoned

    assert not await empty_chunks(LIMITS.quiet)
    await live.append(SECOND)
    assert not await empty_chunks(LIMITS.quiet)
    assert await empty_chunks(LIMITS.idle / 2)
    assert live.overdue == LIMITS.quiet


async def test_a_client_that_comes_and_goes_without_audio_keeps_no_session_open(
    live: Live, clock: Clock
) -> None:
    clock.now = LIMITS.connect  # the time before the first connection does not count
    while clock.now < LIMITS.connect + LIMITS.quiet:
        turn = Turn()
        await live.connect(turn)
        assert not live.abandoned
        live.disconnect(turn)
        clock.now += LIMITS.resume
    clock.now += 1
    await live.connect(Turn())
    assert live.abandoned


async def test_the_newest_connection_speaks_once_the_one_before_has_let_go(
    live: Live, clock: Clock
) -> None:
    older, newer = Turn(), Turn()
    await live.connect(older)
    taking_over = asyncio.create_task(live.connect(newer))
    await older.replaced.wait()
    assert not taking_over.done()
    live.disconnect(older)
    await taking_over
    clock.now = LIMITS.idle + 1
    assert live.abandoned  # the newer one is connected, and silent
    live.disconnect(newer)
    assert not live.abandoned


async def test_a_stopped_session_is_not_abandoned(live: Live, clock: Clock) -> None:
    await live.append(SECOND)
    await live.stop()
    clock.now = 1e6
    assert not live.abandoned


async def test_audio_on_its_way_to_the_journal_counts_towards_the_duration(live: Live) -> None:
    first, second = live.append(40 * SECOND), live.append(70 * SECOND)
    with pytest.raises(AlreadyStoppedError):
        await live.append(SECOND)
    assert (await first).time_range == (0.0, 40.0)
    assert (await second).time_range == (40.0, 110.0)
    assert live.stopped


async def test_audio_that_was_not_stored_does_not_count_towards_the_duration(
    live: Live, journal: MemoryJournal
) -> None:
    journal.failure = UnavailableError("the disk is full")
    with pytest.raises(UnavailableError):
        await live.append(110 * SECOND)
    journal.failure = None
    assert (await live.append(SECOND)).time_range == (0.0, 1.0)


async def test_the_place_of_resent_audio_is_looked_for_in_a_thread(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Comparing and compressing megabytes of silence used to hold the event loop for 40 ms."""
    threads: list[int] = []

    def watched(known: Known) -> Finding:
        finding = find_start(known)
        asked = next(finding)
        while True:
            answer = yield asked
            threads.append(get_ident())
            try:
                asked = finding.send(answer)
            except StopIteration as found:
                return cast("Start", found.value)

    audio = randbytes(2_000_000)
    await live.append(audio)
    monkeypatch.setattr("vivavoce.session.arrival.find_start", watched)
    arrival = Arrival(live)
    await arrival.open()
    resent = audio[1_000_000:] + SECOND
    answers = [arrival.take(resent[at : at + 100_000]) for at in range(0, len(resent), 100_000)]
    assert (await answers[-1]).byte_range[1] == 2_032_000
    assert threads
    assert get_ident() not in threads


async def test_a_large_first_chunk_is_not_copied_to_look_for_a_header() -> None:
    audio = bytes(1 << 20)
    assert HeaderReader(AudioFormat()).feed(audio) is audio
