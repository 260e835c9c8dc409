"""The session seen from the client, without sockets."""

import itertools

import msgspec
import pytest

from vivavoce.client import (
    Backoff,
    BufferFullError,
    Connection,
    Ended,
    ProtocolError,
    Reconnect,
    SessionStateError,
    State,
    UnknownMessage,
)
from vivavoce.client.connection import TRANSITIONS, Event
from vivavoce.client.resend import MAX_FRAME_BYTES
from vivavoce.protocol.messages import (
    AudioChunkAck,
    ChunkRange,
    FinalizeAck,
    FinalizedMoment,
    StartRecording,
    StopRecordingAck,
    encode,
)

STOP = '{"type":"stop_recording"}'


def ack(start: int, end: int) -> bytes:
    return encode(
        AudioChunkAck(
            session_id="s",
            created_at="2026-11-21T08:00:00.000Z",
            acknowledged=True,
            data=ChunkRange((start, end), (start / 32000, end / 32000)),
        )
    )


def connection(**options: object) -> Connection:
    return Connection(lambda: 0.5, **options)  # type: ignore[arg-type]  # a test's shorthand


def test_audio_is_kept_while_connecting_and_sent_when_open() -> None:
    client = connection()
    assert client.audio(b"ab") == []
    assert client.audio(b"cd") == []
    assert client.opened() == [b"abcd"]
    assert client.audio(b"ef") == [b"ef"]


def test_only_what_is_not_acknowledged_is_sent_again() -> None:
    client = connection()
    client.opened()
    for piece in (b"aaaa", b"bbbb", b"cccc"):
        client.audio(piece)
    client.receive(ack(0, 4))
    client.receive(ack(4, 6))  # an ack may end inside a chunk
    assert isinstance(client.lost(1006), Reconnect)
    assert client.opened() == [b"bbcccc"]
    assert (client.acknowledged, client.sent, client.unacknowledged) == (6, 12, 6)


def test_an_ack_from_before_changes_nothing() -> None:
    client = connection()
    client.opened()
    client.audio(b"x" * 10)
    client.receive(ack(0, 8))
    client.receive(ack(0, 4))
    assert client.acknowledged == 8


def test_frames_are_never_longer_than_the_limit() -> None:
    client = connection()
    client.opened()
    data = bytes(range(256)) * 5000
    frames = client.audio(data)
    assert all(len(frame) <= MAX_FRAME_BYTES for frame in frames)
    assert b"".join(frame for frame in frames if isinstance(frame, bytes)) == data
    client.lost(1012)
    assert client.opened() == frames


def test_an_empty_chunk_keeps_the_line_open() -> None:
    client = connection()
    client.opened()
    assert client.audio(b"") == [b""]
    assert client.unacknowledged == 0


def test_a_stop_before_the_socket_is_open_follows_the_audio() -> None:
    client = connection()
    client.audio(b"ab")
    assert client.stop() == []
    assert client.opened() == [b"ab", STOP]
    assert client.state is State.STOPPING


def test_a_stop_is_repeated_after_a_drop() -> None:
    client = connection()
    client.opened()
    assert client.stop() == [STOP]
    client.lost(1006)
    assert client.state is State.CONNECTING
    assert client.opened() == [STOP]


@pytest.mark.parametrize("connected", [True, False])
def test_audio_after_the_stop_is_refused(*, connected: bool) -> None:
    client = connection()
    if connected:
        client.opened()
    client.stop()
    with pytest.raises(SessionStateError, match="stopped"):
        client.audio(b"ab")


@pytest.mark.parametrize("code", [1000, 1001, 4400, 4409, 4499])
def test_a_final_close_code_ends_the_session(code: int) -> None:
    client = connection()
    client.opened()
    outcome = client.lost(code, "why")
    assert outcome == Ended(code, "why")
    assert client.state is State.ENDED
    with pytest.raises(SessionStateError, match="ended"):
        client.audio(b"ab")


def test_only_a_close_with_1000_is_a_proper_end() -> None:
    assert Ended(1000, "").finished
    assert not Ended(1001, "").finished
    assert not Ended(403, "").finished


@pytest.mark.parametrize("code", [1002, 1005, 1006, 1008, 1009, 1011, 1012, 1013, 4399, 4500])
def test_any_other_close_code_is_come_back_from(code: int) -> None:
    client = connection()
    client.opened()
    assert isinstance(client.lost(code), Reconnect)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(403, Ended), (401, Ended), (404, Ended), (429, Reconnect), (503, Reconnect)],
)
def test_a_refused_handshake_is_final_unless_it_may_pass(status: int, kind: type) -> None:
    assert isinstance(connection().refused(status), kind)


def test_the_wait_grows_with_every_failure_up_to_a_cap() -> None:
    client = connection(backoff=Backoff(base=0.2, cap=1.0, attempts=6))
    delays = []
    while isinstance(outcome := client.lost(1006), Reconnect):
        delays.append(outcome.delay)
    assert delays == pytest.approx([0.1, 0.2, 0.4, 0.5, 0.5, 0.5])
    assert "gave up after 6 attempts" in outcome.reason


def test_only_an_ack_forgives_failures_an_open_socket_does_not() -> None:
    client = connection(backoff=Backoff(base=1.0, cap=100.0))
    for expected in (0.5, 1.0, 2.0):
        client.opened()
        client.audio(b"ab")
        assert client.lost(1006) == Reconnect(expected)
    client.opened()
    client.receive(ack(0, 2))
    assert client.lost(1006) == Reconnect(0.5)


def test_an_answer_to_the_stop_forgives_failures_too() -> None:
    client = connection(backoff=Backoff(base=1.0, cap=100.0))
    client.stop()
    client.lost(1006)
    client.opened()
    client.receive(encode(StopRecordingAck(session_id="s", created_at="", acknowledged=False)))
    assert client.lost(1006) == Reconnect(0.5)


def test_the_bound_on_unacknowledged_audio_holds() -> None:
    client = connection(buffer_bytes=10)
    client.audio(b"x" * 8)
    assert client.has_room(2)
    assert not client.has_room(3)
    with pytest.raises(BufferFullError):
        client.audio(b"xxx")
    assert client.sent == 8


def test_a_single_chunk_over_the_bound_passes_through_an_empty_buffer() -> None:
    client = connection(buffer_bytes=10)
    assert client.has_room(100)


def test_an_ack_of_bytes_never_sent_is_a_fault_of_the_server() -> None:
    client = connection()
    client.opened()
    client.audio(b"ab")
    with pytest.raises(ProtocolError, match="never sent"):
        client.receive(ack(0, 3))
    assert client.unacknowledged == 2


def test_a_refused_chunk_stays_in_the_buffer() -> None:
    client = connection()
    client.opened()
    client.audio(b"ab")
    client.receive(encode(AudioChunkAck(session_id="s", created_at="", acknowledged=False)))
    assert client.unacknowledged == 2


def test_a_message_of_an_unknown_type_passes_on() -> None:
    text = '{"type":"weather","session_id":"s","created_at":"","data":{"sky":"blue"}}'
    message = connection().receive(text)
    assert message == UnknownMessage("weather", msgspec.json.decode(text))


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "[]", "{}", '{"type":7}', '{"type":"transcript"}', b"\xff\xfe", '"\udcff"'],
)
def test_what_is_no_message_is_a_fault_of_the_server(text: str | bytes) -> None:
    with pytest.raises(ProtocolError):
        connection().receive(text)


def test_every_state_but_the_last_answers_every_event_of_its_own() -> None:
    missing = set(itertools.product(State, Event)) - set(TRANSITIONS)
    already_open = {(State.OPEN, Event.OPENED), (State.STOPPING, Event.OPENED)}
    assert missing == already_open | {(State.ENDED, event) for event in Event}


def test_an_impossible_event_is_named() -> None:
    client = connection()
    client.opened()
    with pytest.raises(SessionStateError, match="open cannot be opened"):
        client.opened()


def test_what_the_server_tells_again_after_a_drop_is_heard_once() -> None:
    talking = connection()
    talking.opened()
    first, second = started("2026-11-21T10:00:00.000Z"), started("2026-11-21T10:00:01.000Z")
    assert talking.receive(first) is not None
    talking.lost(1006)
    talking.opened()
    assert talking.receive(first) is None
    assert talking.receive(second) is not None


def started(at: str) -> bytes:
    return encode(StartRecording(session_id="s", created_at=at))


# -- finalize --------------------------------------------------------------------------------------

FINALIZE = '{"type":"finalize"}'
SECOND_CHANNEL = '{"type":"finalize","data":{"channel":1}}'


def finalized(channel: int | None = None) -> bytes:
    return encode(
        FinalizeAck(
            session_id="s",
            created_at="2026-11-21T08:00:00.000Z",
            acknowledged=True,
            data=FinalizedMoment(1.0, channel),
        )
    )


def test_finalize_is_sent_at_once_and_names_a_channel_where_one_is_meant() -> None:
    client = connection()
    client.opened()
    assert client.finalize() == [FINALIZE]
    assert client.finalize(1) == [SECOND_CHANNEL]


def test_finalize_keeps_its_place_between_the_audio_when_both_are_sent_again() -> None:
    client = connection()
    assert client.finalize() == []
    client.audio(b"aaaa")
    client.audio(b"bb")
    client.finalize(1)
    client.audio(b"cc")
    assert client.opened() == [FINALIZE, b"aaaabb", SECOND_CHANNEL, b"cc"]
    client.receive(finalized())
    client.receive(ack(0, 2))
    client.lost(1006)
    assert client.opened() == [b"aabb", SECOND_CHANNEL, b"cc"]
    client.receive(ack(2, 6))  # the audio before it is stored, but this is not known of the break
    client.lost(1006)
    assert client.opened() == [SECOND_CHANNEL, b"cc"]
    client.receive(finalized(1))
    client.lost(1006)
    assert client.opened() == [b"cc"]


def test_audio_stored_behind_a_finalize_says_that_it_was_received() -> None:
    client = connection()
    client.opened()
    client.audio(b"aa")
    client.finalize()
    client.audio(b"bb")
    client.finalize(1)
    client.receive(ack(0, 4))  # merged from two, where the client reads slowly
    client.receive(finalized())
    client.lost(1006)
    assert client.opened() == [SECOND_CHANNEL]


def test_a_refused_finalize_is_not_sent_again() -> None:
    client = connection()
    client.opened()
    client.finalize(7)
    refused = FinalizeAck(session_id="s", created_at="2026-11-21T08:00:00.000Z", acknowledged=False)
    assert client.receive(encode(refused)) == refused
    client.lost(1006)
    assert client.opened() == []


def test_nothing_can_be_finalized_after_the_stop() -> None:
    client = connection()
    client.opened()
    client.finalize()
    client.stop()
    with pytest.raises(SessionStateError):
        client.finalize()
    client.lost(1006)
    assert client.opened() == [FINALIZE, STOP]
