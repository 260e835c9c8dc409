from vivavoce.server.allowance import Allowance


def test_a_key_may_do_something_so_often_and_no_other_key_pays_for_it() -> None:
    allowance = Allowance(per_minute=6, at_once=3)
    assert [allowance.wait("a", 0.0) for _ in range(4)] == [0.0, 0.0, 0.0, 10.0]
    assert allowance.wait("b", 0.0) == 0.0
    assert allowance.wait("a", 9.0) > 0
    assert allowance.wait("a", 10.5) == 0.0
    assert allowance.wait("a", 10.6) > 0
