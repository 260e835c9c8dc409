"""The search for a capacity, against servers whose capacity is known."""

from collections.abc import AsyncIterator

import pytest

from vivavoce.load.figures import Spread, spread
from vivavoce.load.scenarios import Row, most_borne, not_slipping, search, summary, within

NOTHING = summary([])


def row(streams: int, delay: float, *, failed: int = 0) -> Row:
    found = spread([delay])
    return Row(
        streams=streams,
        audio_seconds=1,
        time_to_final=found,
        first_text=Spread(0),
        word_shown=Spread(0),
        word_final=found,
        stop_to_final=Spread(0),
        acknowledged=Spread(0),
        finals=1,
        words=1,
        taken_back_per_word=0,
        partials_per_second=0,
        driver_late=0,
        failures=("broken",) * failed,
    )


class Server:
    """Finals take 0.2 s up to ``capacity`` streams, and 0.3 s more for each stream beyond."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.asked: list[int] = []

    async def run(self, streams: int) -> AsyncIterator[Row]:
        self.asked.append(streams)
        yield row(streams, 0.2 + 0.31 * max(streams - self.capacity, 0))


@pytest.mark.parametrize("capacity", [0, 1, 3, 4, 7, 8, 13, 64, 100])
async def test_the_search_finds_the_capacity_to_an_eighth(capacity: int) -> None:
    server = Server(capacity)
    known: dict[int, Row] = {}
    found = [each async for each in search(server.run, within(0.5), first=4, most=64, known=known)]
    best = most_borne(found, within(0.5))
    true = min(capacity, 64)
    assert best <= true <= best + max(1, best // 8)
    assert len(server.asked) == len(set(server.asked)) == len(known)


async def test_a_second_measure_uses_the_rows_of_the_first() -> None:
    server = Server(10)
    known: dict[int, Row] = {1: row(1, 0.2)}
    async for _ in search(server.run, within(0.5), first=4, most=64, known=known):
        pass
    slower = not_slipping(known[1])
    async for _ in search(server.run, slower, first=4, most=64, known=known):
        pass
    assert len(server.asked) == len(set(server.asked))
    assert most_borne(known.values(), slower) in (12, 13)


def test_a_run_with_a_failed_session_or_without_finals_is_not_borne() -> None:
    assert within(0.5)(row(1, 0.4))
    assert not within(0.5)(row(1, 0.4, failed=1))
    assert not within(0.5)(row(1, 0.6))
    assert not within(0.5)(NOTHING)


def test_what_a_larger_number_did_by_luck_does_not_count() -> None:
    rows = [row(1, 0.2), row(8, 0.2), row(4, 0.9)]
    assert most_borne(rows, within(0.5)) == 1
