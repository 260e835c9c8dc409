"""How many connections the limit of descriptors leaves room for."""

import resource

import pytest

from vivavoce.server.descriptors import MAX_DERIVED, RESERVED, connections_for, raise_limit


@pytest.mark.parametrize(
    ("soft", "wanted", "allowed"),
    [
        (1024, 0, 1024 - RESERVED),
        (256, 0, 128),
        (1, 0, 1),
        (1_000_000, 0, MAX_DERIVED),
        (1_000_000, 20_000, 20_000),
        (1024, 20_000, 1024 - RESERVED),
        (1024, 10, 10),
    ],
)
def test_connections_leave_a_reserve_to_sessions(soft: int, wanted: int, allowed: int) -> None:
    assert connections_for(soft, wanted) == allowed


def test_the_soft_limit_is_raised_towards_the_hard_one(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: made.append(limits))
    assert raise_limit().soft == 65_536
    assert made == [(65_536, resource.RLIM_INFINITY)]


def test_a_high_limit_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (100_000, 100_000))
    assert raise_limit().soft == 100_000
