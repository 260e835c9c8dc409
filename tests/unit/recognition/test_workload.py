import pytest

from vivavoce.recognition.workload import FADING, Fading, Workload


def test_a_sum_fades_with_time() -> None:
    total = Fading(10.0)
    total.add(1.0, 100.0)
    assert total.at(100.0) == 1.0
    assert total.at(110.0) == pytest.approx(0.368, abs=1e-3)
    total.add(1.0, 110.0)
    assert total.at(110.0) == pytest.approx(1.368, abs=1e-3)


def test_a_steady_load_is_measured_as_it_is() -> None:
    workload = Workload()
    for tenths in range(1000):
        workload.done("moonshine", 0.05, 1.0, tenths / 10)
    load = workload.load(99.9)
    assert load.busy == {"moonshine": pytest.approx(0.5, rel=0.02)}


def test_the_cost_of_speech_is_supposed_until_it_is_measured() -> None:
    workload = Workload()
    supposed = workload.load(0.0).cost
    for second in range(300):
        workload.done("whisper", 0.2, 1.0, float(second))
    assert supposed == pytest.approx(0.03)
    assert workload.load(300.0).cost == pytest.approx(0.2, rel=0.1)


def test_each_engine_is_measured_for_itself() -> None:
    workload = Workload()
    workload.done("a", 1.0, 1.0, 0.0)
    workload.done("b", 2.0, 1.0, 0.0)
    assert workload.load(0.0).busy == {"a": 1 / FADING, "b": 2 / FADING}


def test_a_final_a_little_past_its_deadline_is_not_late() -> None:
    workload = Workload()
    workload.taken(deadline=1.0, now=1.9)
    workload.taken(deadline=1.0, now=2.1)
    load = workload.load(2.1)
    assert load.late == 1.0
    assert load.on_time == pytest.approx(1.0, abs=0.05)
