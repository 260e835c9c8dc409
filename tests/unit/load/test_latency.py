"""Figures from logs whose right answers are known."""

import msgspec
import pytest

from vivavoce.client import Message
from vivavoce.load.figures import spread
from vivavoce.load.latency import latencies
from vivavoce.load.log import Seen, StreamLog
from vivavoce.load.scenarios import acknowledgements, summary
from vivavoce.protocol.messages import (
    AudioChunkAck,
    ChunkRange,
    SpeechEnd,
    SpeechMoment,
    Transcript,
    TranscriptData,
)
from vivavoce.protocol.transcript import Utterance, Word

BEGUN = 1000.0


def log_of(*seen: tuple[float, Message], chunks: int = 50, late: float = 0.0) -> StreamLog:
    """Five seconds in chunks of 100 ms, sent on time but for ``late`` in the second half."""
    ends = [(index + 1) / 10 for index in range(chunks)]
    sent = [BEGUN + end + (late if end > 2.5 else 0.0) for end in ends]
    return StreamLog(1.0, ends, sent, [Seen(BEGUN + at, message) for at, message in seen])


def text(*words: tuple[str, float], final: bool = False, utterance: str = "00_00000000") -> Message:
    spoken = tuple(Word(f" {word}", end - 0.2, end, 0.9) for word, end in words)
    joined = " ".join(word for word, _ in words)
    whole = Utterance(spoken[0].start, spoken[-1].end, 0.9, 0, spoken, joined, "en")
    return Transcript(
        session_id="s", created_at="now", data=TranscriptData(utterance, final, whole)
    )


def speech_end(at: float) -> Message:
    return SpeechEnd(session_id="s", created_at="now", data=SpeechMoment(at, 0))


def test_a_sample_existed_when_its_place_in_the_chunk_was_reached() -> None:
    log = log_of()
    assert log.spoken_at(1.23) == pytest.approx(BEGUN + 1.23)
    assert log.spoken_at(99.0) == pytest.approx(BEGUN + 5.0)
    assert log_of(late=0.4).spoken_at(3.05) == pytest.approx(BEGUN + 3.45)


def test_at_twice_the_speed_a_sample_existed_in_half_the_time() -> None:
    ends = [(index + 1) / 10 for index in range(50)]
    log = StreamLog(2.0, ends, [BEGUN + end / 2 for end in ends])
    assert log.spoken_at(3.0) == pytest.approx(BEGUN + 1.5)
    assert log.spoken_at(3.06) == pytest.approx(BEGUN + 1.53)
    assert log.late == pytest.approx(0)


def test_only_utterances_that_begin_in_a_slice_are_measured_in_it() -> None:
    log = log_of(
        (1.3, text(("one", 1.0), final=True)),
        (4.0, text(("two", 3.5), final=True, utterance="00_00000001")),
    )
    assert latencies(log, (0.0, 2.0)).word_final == pytest.approx([0.3])
    assert latencies(log, (2.0, 5.0)).word_final == pytest.approx([0.5])
    assert latencies(log).finals == 2


def test_each_latency_is_counted_from_the_sample_that_it_waited_for() -> None:
    found = latencies(
        log_of(
            (1.3, text(("one", 1.0))),
            (1.9, text(("one", 1.0), ("too", 1.5))),
            (2.2, speech_end(1.6)),
            (2.3, text(("One", 1.0), ("two.", 1.5), final=True)),
        )
    )
    assert found.time_to_final == pytest.approx([0.7])
    assert found.first_text == pytest.approx([0.3])
    assert found.word_shown == pytest.approx([0.3, 0.8])
    assert found.word_final == pytest.approx([1.3, 0.8])
    assert (found.partials, found.words, found.taken_back) == (2, 2, 1)


def test_a_word_that_moved_by_one_place_was_shown_before() -> None:
    found = latencies(
        log_of((1.3, text(("best", 1.0))), (2.0, text(("the", 0.8), ("best", 1.0), final=True)))
    )
    assert found.word_shown == pytest.approx([1.2, 0.3])
    assert found.time_to_final == []


def test_the_wait_after_the_stop_is_that_for_the_last_final() -> None:
    log = log_of(
        (1.5, text(("one", 1.0), final=True)),
        (5.4, text(("two", 4.8), final=True, utterance="00_00000001")),
    )
    log.stopped = BEGUN + 5.0
    assert latencies(log).stop_to_final == pytest.approx([0.4])
    log.stopped = BEGUN + 6.0
    assert latencies(log).stop_to_final == []


def test_acknowledgements_are_counted_from_the_chunk_that_they_end_with() -> None:
    def acknowledged(end: float) -> Message:
        return AudioChunkAck(
            session_id="s", created_at="now", acknowledged=True, data=ChunkRange((0, 0), (0.0, end))
        )

    log = log_of((0.11, acknowledged(0.1)), (0.35, acknowledged(0.3)))
    assert acknowledgements(log) == pytest.approx([0.01, 0.05])


def test_a_driver_that_cannot_keep_up_tells_so() -> None:
    assert log_of().late == pytest.approx(0)
    assert summary([log_of(), log_of(late=0.3)]).driver_late == pytest.approx(0.3)


def test_percentiles_lie_between_their_neighbours() -> None:
    found = spread([3.0, 1.0, 2.0, 4.0, 5.0])
    assert (found.n, found.p50, found.p95, found.most) == (5, 3.0, 4.8, 5.0)
    assert spread([]).p50 is None


def marked(stable: int, *words: tuple[str, float]) -> Message:
    message = text(*words)
    assert isinstance(message, Transcript)
    data = msgspec.structs.replace(message.data, stable_words=stable)
    return msgspec.structs.replace(message, data=data)


def test_a_word_is_stable_from_the_first_partial_that_marks_it() -> None:
    found = latencies(
        log_of(
            (1.3, marked(0, ("one", 1.0))),
            (1.9, marked(1, ("one", 1.0), ("too", 1.5))),
            (2.4, marked(2, ("one", 1.0), ("two", 1.5), ("thr", 2.0))),
            (2.9, text(("One", 1.0), ("two.", 1.5), ("three", 2.0), final=True)),
        )
    ).stable
    assert found.ages == pytest.approx([0.9, 0.9])
    assert (found.marked, found.broken, found.refuted) == (2, 0, 0)


def test_a_stable_word_that_a_partial_changes_is_broken_even_in_its_marks() -> None:
    found = latencies(
        log_of(
            (1.9, marked(2, ("one", 1.0), ("two", 1.5), ("th", 1.7))),
            (2.4, marked(2, ("one", 1.0), ("two,", 1.5), ("three", 2.0))),
            (2.9, text(("one", 1.0), ("two", 1.5), ("three", 2.0), final=True)),
        )
    ).stable
    assert (found.marked, found.broken, found.refuted) == (2, 1, 0)


def test_a_stable_word_that_the_final_does_not_say_is_refuted() -> None:
    found = latencies(
        log_of(
            (1.9, marked(2, ("one", 1.0), ("two", 1.5), ("th", 1.7))),
            (2.9, text(("one", 1.0), ("too", 1.5), ("three", 2.0), final=True)),
        )
    ).stable
    assert (found.marked, found.broken, found.refuted) == (2, 0, 1)


def test_a_server_that_marks_nothing_has_no_stable_words() -> None:
    found = summary([log_of((1.3, text(("one", 1.0))), (1.9, text(("two", 1.0), final=True)))])
    assert (found.stable_age.n, found.stable_broken, found.stable_refuted) == (0, 0, 0)
