"""Which acknowledgements a client has certainly read."""

from vivavoce.session.ack_confirmation import SETTLE_SECONDS, AckConfirmation


def test_an_ack_is_confirmed_by_two_answers_that_are_apart() -> None:
    acks = AckConfirmation()
    acks.sent(100)
    assert not acks.complete
    acks.answered(100, 0.0)
    acks.answered(100, SETTLE_SECONDS / 2)
    assert acks.confirmed == 0
    acks.answered(100, SETTLE_SECONDS)
    assert acks.confirmed == 100
    assert acks.complete


def test_what_the_last_answer_alone_covers_is_not_confirmed_yet() -> None:
    acks = AckConfirmation()
    for second, end in enumerate((100, 200, 300)):
        acks.sent(end)
        acks.answered(end, second * SETTLE_SECONDS)
    assert acks.confirmed == 200


def test_a_connection_that_ends_proves_nothing_more() -> None:
    acks = AckConfirmation()
    acks.sent(100)
    acks.answered(100, 0.0)
    acks.disconnected()
    acks.sent(50)  # a resend was acknowledged again on the next connection
    acks.answered(50, SETTLE_SECONDS)
    assert acks.confirmed == 0
    acks.answered(50, 2 * SETTLE_SECONDS)
    assert acks.confirmed == 50


def test_what_is_confirmed_never_falls() -> None:
    acks = AckConfirmation()
    for end in (100, 100, 50, 50):
        acks.sent(end)
        acks.answered(end, end * 0.0 + len(str(end)) * SETTLE_SECONDS)
    acks.answered(100, 10 * SETTLE_SECONDS)
    acks.answered(20, 20 * SETTLE_SECONDS)
    acks.answered(20, 30 * SETTLE_SECONDS)
    assert acks.confirmed == 100
