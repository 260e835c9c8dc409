import pytest

from vivavoce.server.failed_keys import FREE_FAILURES, WINDOW_SECONDS, FailedKeys


def test_answers_are_delayed_once_an_address_has_failed_often_within_a_minute() -> None:
    failed = FailedKeys()
    delays = [failed.failed("192.0.2.1", 0.1 * n).delay for n in range(FREE_FAILURES + 5)]
    assert delays == [0.0] * FREE_FAILURES + [1.0] * 5
    assert failed.failed("192.0.2.2", 3.0).delay == 0.0, "another address"
    assert failed.failed("192.0.2.1", WINDOW_SECONDS + 1).delay == 0.0, "another minute"


def test_an_address_is_logged_once_a_minute_with_all_its_failures() -> None:
    failed = FailedKeys()
    reports = [failed.failed("192.0.2.1", at / 10).report for at in range(1300)]
    assert [report for report in reports if report] == [1, 600, 600]
    assert reports[0] == 1
    assert reports[600] == 600


@pytest.mark.parametrize(
    ("one", "other"),
    [("2001:db8:0:1::1", "2001:db8:0:1:ffff::9"), ("192.0.2.1", "::ffff:192.0.2.1")],
)
def test_addresses_of_one_machine_count_together(one: str, other: str) -> None:
    failed = FailedKeys()
    for _ in range(FREE_FAILURES):
        failed.failed(one, 0.0)
    assert failed.failed(other, 0.0).delay > 0
    assert len(failed) == 1


def test_memory_is_bounded_and_those_who_go_on_are_remembered() -> None:
    failed = FailedKeys(most_addresses=100)
    for n in range(5000):
        failed.failed("192.0.2.1", 0.0)
        failed.failed(f"10.0.{n // 256}.{n % 256}", 0.0)
    assert len(failed) == 100
    assert failed.failed("192.0.2.1", 0.0).delay > 0
