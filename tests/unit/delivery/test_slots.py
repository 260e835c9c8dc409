from vivavoce.delivery.slots import Slots


def test_one_origin_takes_at_most_its_share() -> None:
    slots = Slots(total=10, per_origin=4)
    assert [slots.take("a", failing=False) for _ in range(5)] == [True] * 4 + [False]
    assert slots.take("b", failing=False)
    assert list(slots.full()) == ["a"]


def test_those_who_failed_leave_half_of_every_share_to_the_others() -> None:
    slots = Slots(total=10, per_origin=4)
    assert [slots.take("a", failing=True) for _ in range(3)] == [True, True, False]
    assert list(slots.full_of_retries()) == ["a"]
    assert [slots.take(name, failing=True) for name in "bcde"] == [True, True, True, False]
    assert slots.retries_full
    assert [slots.take(name, failing=False) for name in "bcdef"] == [True] * 5
    assert slots.free == 0
    assert not slots.take("g", failing=False)


def test_what_is_given_back_can_be_taken_again() -> None:
    slots = Slots(total=2, per_origin=2)
    assert slots.take("a", failing=True)
    slots.give_back("a", failing=True)
    assert slots.free == 2
    assert not slots.retries_full
    assert slots.take("b", failing=True)
