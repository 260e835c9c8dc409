"""Sessions that ended while their clients were away."""

from vivavoce.session.ended import EndedSessions


def test_a_client_that_was_away_is_told_once() -> None:
    ended = EndedSessions()
    ended.add("s", b"token")
    assert ended.take(b"token")
    assert not ended.take(b"token")
    assert not ended.take(b"another")
    assert len(ended) == 0


def test_a_deleted_session_is_unknown() -> None:
    ended = EndedSessions()
    ended.add("s", b"token")
    ended.forget("s")
    ended.forget("s")
    assert not ended.take(b"token")


def test_no_more_are_remembered_than_the_bound() -> None:
    ended = EndedSessions(most=3)
    for number in range(10):
        ended.add(str(number), bytes([number]))
    assert len(ended) == 3
    assert [ended.take(bytes([number])) for number in (6, 7, 9)] == [False, True, True]
    ended.forget("0")
