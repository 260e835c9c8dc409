"""What a run cost, from readings whose right answers are known."""

import pytest

from vivavoce.load import counters
from vivavoce.load.bare import Bare
from vivavoce.load.endurance import Slice, drift, slices
from vivavoce.load.figures import Spread, spread
from vivavoce.load.log import StreamLog
from vivavoce.load.machine import Sample, Spent
from vivavoce.load.overhead import ServerOutOfSightError, compared
from vivavoce.load.scenarios import Row, Run, summary

EXPOSITION = """\
# HELP vivavoce_partials_shed_total Partials dropped under load.
# TYPE vivavoce_partials_shed_total counter
vivavoce_partials_shed_total {shed}
vivavoce_decode_cpu_seconds_total {cpu}
vivavoce_decoded_audio_seconds_total 1e+02
vivavoce_handshakes_total{{outcome="accepted"}} 4.0
"""


def test_readings_are_those_without_labels() -> None:
    found = counters.parsed(EXPOSITION.format(shed="3.0", cpu="1.5"))
    assert found[counters.SHED] == 3
    assert found[counters.DECODED_AUDIO] == 100
    assert len(found) == 3


def test_what_was_counted_is_the_difference_of_two_readings() -> None:
    before = counters.parsed(EXPOSITION.format(shed="3.0", cpu="1.5"))
    after = counters.parsed(EXPOSITION.format(shed="10.0", cpu="4.0"))
    found = counters.between(before, after)
    assert found is not None
    assert (found.shed, found.decode_cpu, found.decoded_audio) == (7, 2.5, 0)


def test_the_loop_was_held_as_often_as_it_did_not_answer_at_once() -> None:
    def exposition(at_once: int, asked: int) -> str:
        return EXPOSITION.format(shed="0", cpu="0") + (
            'vivavoce_loop_busy_seconds_bucket{le="0.002"} 1.0\n'
            f'vivavoce_loop_busy_seconds_bucket{{le="0.005"}} {at_once}.0\n'
            f"vivavoce_loop_busy_seconds_count {asked}.0\n"
        )

    readings = (counters.parsed(exposition(*each)) for each in ((8, 10), (105, 110)))
    found = counters.between(*readings)
    assert found is not None
    assert (found.loop_asked, found.loop_held) == (100, 3)


def test_of_a_server_that_shows_nothing_nothing_is_told() -> None:
    assert counters.between({}, {counters.SHED: 1.0}) is None


def measured(streams: int, spent: Spent | None, *, finals: int) -> Row:
    log = StreamLog(ends=[10.0], sent=[10.0])
    found = summary([log] * streams)
    return Row(
        **{name: getattr(found, name) for name in Row.__struct_fields__}
        | {"spent": spent, "finals": finals}
    )


ALONE = Bare(
    finals=4, spans=5, span_seconds=8, cpu=0.5, cpu_without_context=0.25, voice_activity_cpu=0.1
)


def test_overhead_is_the_servers_time_over_the_engines_for_all_streams() -> None:
    spent = Spent(wall=10, driver_cpu=1, other_cpu=0, server_cpu=3.0)
    found = compared(measured(4, spent, finals=16), ALONE)
    assert (found.bare_cpu, found.ratio, found.ratio_without_context) == (2.0, 1.5, 3.0)
    assert (found.cores, found.finals, found.finals_expected) == (0.3, 16, 16)


def test_a_server_out_of_sight_is_compared_with_nothing() -> None:
    elsewhere = Spent(wall=10, driver_cpu=1, other_cpu=9)
    with pytest.raises(ServerOutOfSightError, match="--pid"):
        compared(measured(1, elsewhere, finals=4), ALONE)


def test_a_slice_has_the_cost_and_the_memory_of_its_own_minutes() -> None:
    ends = [float(second + 1) for second in range(60)]
    log = StreamLog(2.0, ends, [100 + end / 2 for end in ends])
    samples = [Sample(100 + half / 2, half / 10, (50 + half) * 2**20) for half in range(70)]
    found = slices(Run(measured(1, None, finals=0), [log], samples), 20)
    assert [(part.start, part.end) for part in found] == [(0, 20), (20, 40), (40, 60)]
    # 20 seconds of audio are 10 seconds of the clock: 20 readings, a tenth of a second each.
    assert [part.cpu_per_audio_second for part in found] == pytest.approx([0.1] * 3)
    assert [part.resident_mb for part in found] == [70, 90, 110]


def part(number: int, memory: float, delay: float) -> Slice:
    found = spread([delay])
    return Slice(number * 600, (number + 1) * 600, 1, 1, found, found, 0.1, memory)


def test_a_drift_is_the_last_third_against_the_first_without_the_very_first() -> None:
    memory = [100, 200, 200, 205, 205, 210, 210]
    delays = [9.0, 0.2, 0.2, 0.2, 0.2, 0.3, 0.3]
    found = drift([part(at, *pair) for at, pair in enumerate(zip(memory, delays, strict=True))])
    assert found.resident_mb == 10
    assert found.time_to_final == pytest.approx(0.1)
    assert found.mb_per_hour == pytest.approx(10 / (4 * 600 / 3600))


def test_of_too_few_slices_no_drift_is_told() -> None:
    assert drift([part(0, 1, 1), part(1, 1, 1)]).mb_per_hour is None
    nothing = Slice(0, 1, 0, 0, Spread(0), Spread(0), None, None)
    assert drift([nothing] * 4).resident_mb is None
