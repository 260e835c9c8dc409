"""The policy of admission, in simulated time."""

import pytest

from vivavoce.recognition.workload import Workload
from vivavoce.server.admission import RETRY_SECONDS, Admission, Newcomer, estimate

NEW = Newcomer(channels=1, age=0.0, heard=0.0)
WORKERS = {"moonshine": 2}


class Machine:
    """Two workers, and sessions that talk or are silent."""

    def __init__(self, cost: float = 0.05, most: float = 0.8) -> None:
        self.admission = Admission(most)
        self.workload = Workload()
        self.cost = cost
        self.now = 0.0
        self.sessions: list[tuple[float, float]] = []  # since when, and how much of it is speech

    def newcomers(self) -> list[Newcomer]:
        """All of them; the old ones weigh nothing."""
        return [Newcomer(1, self.now - since, self.now - since) for since, _ in self.sessions]

    def post(self, talk: float = 1.0) -> int:
        """Ask for a session; gives the seconds after which to try again."""
        load = self.workload.load(self.now)
        again = self.admission.refuse(NEW, load, WORKERS, self.newcomers())
        if not again:
            self.sessions.append((self.now, talk))
        return again

    def live(self, seconds: float) -> None:
        """Time passes: what was said is decoded."""
        for _ in range(round(seconds)):
            self.now += 1.0
            for _, talk in self.sessions:
                self.workload.done("moonshine", talk * self.cost, talk, self.now)

    @property
    def busy(self) -> float:
        """Workers that finals really keep at work."""
        return sum(talk * self.cost for _, talk in self.sessions)


def test_a_fresh_server_lets_somebody_in_whatever_he_costs() -> None:
    machine = Machine()
    machine.workload.done("moonshine", 30.0, 5.0, 0.0)
    machine.now = 300.0
    assert machine.post() == 0


def test_a_crowd_that_comes_at_once_is_not_let_in_as_a_whole() -> None:
    machine = Machine(cost=0.03)
    refused = [machine.post() for _ in range(500)]
    assert refused[0] == 0
    assert 20 < len(machine.sessions) < 60
    assert all(refused[len(machine.sessions) :])


@pytest.mark.parametrize("cost", [0.01, 0.05, 0.3])
def test_however_dear_speech_is_the_finals_keep_within_their_share(cost: float) -> None:
    """Two ask every second, for five minutes."""
    machine = Machine(cost)
    for _ in range(300):
        machine.post()
        machine.post()
        machine.live(1)
    assert 0.6 * 2 <= machine.busy + cost <= 0.8 * 2 + 4 * cost
    assert machine.admission.refused > 0


def test_silent_sessions_keep_nobody_out() -> None:
    machine = Machine()
    for _ in range(300):
        assert machine.post(talk=0.0) == 0
        machine.live(1)
    assert len(machine.sessions) == 300


def test_when_the_load_ends_there_is_room_again() -> None:
    machine = Machine(cost=0.3)
    while not machine.post():
        machine.live(10)
    assert machine.post()
    machine.sessions.clear()
    machine.now += 10
    assert machine.post() == 0


def test_those_refused_together_do_not_come_back_together() -> None:
    machine = Machine(cost=0.3)
    while not (again := machine.post()):
        machine.live(10)
    times = {again, *(machine.post() for _ in range(20))}
    assert min(times) == RETRY_SECONDS
    assert len(times) == 5


def test_a_session_that_nobody_comes_to_holds_no_place_for_long() -> None:
    assert Newcomer(1, age=5.0, heard=0.0).unmeasured == 1.0
    assert Newcomer(1, age=31.0, heard=0.0).unmeasured == 0.0
    assert 0.3 < Newcomer(1, age=3000.0, heard=10.0).unmeasured < 0.4


def test_channels_take_turns_to_talk() -> None:
    assert [Newcomer(n, 0.0, 0.0).talk for n in (1, 2, 8)] == [1.0, 1.0, 4.0]


def test_an_engine_with_fewer_workers_is_full_before_the_others() -> None:
    workload = Workload()
    workload.done("whisper", 8.0, 10.0, 0.0)
    load = workload.load(0.0)
    assert estimate(load, {"moonshine": 4, "whisper": 1}, []) == pytest.approx(0.8)
    assert estimate(load, {"moonshine": 4, "whisper": 4}, []) == pytest.approx(0.2)


def test_finals_that_come_late_keep_others_out_though_the_workers_seem_to_be_free() -> None:
    admission, workload = Admission(0.85), Workload()
    for _ in range(6):
        workload.taken(deadline=0.0, now=10.0)
    assert admission.refuse(NEW, workload.load(10.0), WORKERS, [])
    assert not admission.refuse(NEW, workload.load(20.0), WORKERS, [])


def test_few_late_finals_say_nothing() -> None:
    admission, workload = Admission(0.85), Workload()
    for _ in range(3):
        workload.taken(deadline=0.0, now=10.0)
    assert not admission.refuse(NEW, workload.load(10.0), WORKERS, [])


def test_turned_off_it_lets_everybody_in() -> None:
    machine = Machine(cost=1.0, most=0.0)
    for _ in range(100):
        assert machine.post() == 0
        machine.live(1)
