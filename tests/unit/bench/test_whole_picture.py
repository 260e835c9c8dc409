"""Results are kept, compared and shown without a recording at hand."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from accuracy import tables
from accuracy.cache import Kept, TimedEngine, open_cache
from accuracy.change import report
from accuracy.results import Head, Results, Row, Score, read, write
from accuracy.settings import LIVE, SETTINGS

from vivavoce.recognition.contract import DecodeRequest, Hypothesis
from vivavoce.recognition.engines import scripted
from vivavoce.recognition.engines.scripted import sing

NAMES = tuple(each.name for each in SETTINGS)


def results(*wrong: int, group: str = "read", words: int = 10) -> Results:
    """Recordings with so many errors each, whatever the setting."""
    heard = (Score(0, 0, errors, 1, 20, (2, 1, 0, 1, 0, 0, 1)) for errors in wrong)
    scores = (dict.fromkeys(NAMES, each) for each in heard)
    rows = (Row(f"{number}", group, 1.0, words, each) for number, each in enumerate(scores))
    return Results(Head("a-model", "en", "00", NAMES), tuple(rows))


def losses(new: Results, old: Results) -> list[str]:
    return report(new, old)[1]


def test_what_is_kept_reads_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "kept.jsonl"
    write(path, results(1, 2, 3))
    assert read(path) == results(1, 2, 3)
    assert len(path.read_text("utf-8").splitlines()) == 4


def test_where_nothing_is_kept_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    assert read(tmp_path / "none.jsonl") is None


def test_the_same_results_are_no_loss() -> None:
    assert losses(results(1, 2, 3, 0, 5), results(1, 2, 3, 0, 5)) == []


def test_errors_more_in_nearly_every_recording_are_a_loss_of_the_group_and_of_all() -> None:
    found = losses(results(3, 4, 4, 2, 6, 5), results(1, 2, 3, 0, 5, 3))
    assert f"{NAMES[0]}, all: 23.3 % before, 40.0 % now" in found
    assert len(found) == 2 * len(NAMES)


def test_errors_more_in_one_recording_may_be_chance() -> None:
    assert losses(results(1, 2, 3, 0, 5, 4), results(1, 2, 3, 0, 5, 3)) == []


def test_fewer_errors_are_no_loss() -> None:
    assert losses(results(0, 1, 1, 0, 2, 1), results(1, 2, 3, 1, 5, 3)) == []


def test_one_word_more_where_nobody_speaks_is_a_loss() -> None:
    new, old = (results(0, last, group="no speech", words=0) for last in (1, 0))
    found = losses(new, old)
    assert f"{NAMES[1]}: 1 words without speech, 0 before" in found


def test_only_recordings_that_both_have_with_the_same_words_are_compared() -> None:
    assert losses(results(*[9] * 12), results(*[0] * 12, words=11)) == []
    assert "12" not in "".join(report(results(*[1] * 12), results(*[1] * 6))[0])


def test_a_table_of_the_page_is_made_anew_and_the_text_around_it_stays(tmp_path: Path) -> None:
    write(tmp_path / "a-model-en.jsonl", results(1, 2, 3))
    page = "before\n\n<!-- made: summary en a-model -->\nold\n<!-- end -->\n\nafter\n"
    made = tables.with_tables(page, tmp_path)
    assert made.startswith("before\n\n<!-- made: summary en a-model -->\n\n| model |")
    assert made.endswith("|\n\n<!-- end -->\n\nafter\n")
    assert "| a-model | 3 | whole | 20.0 |" in made
    assert tables.with_tables(made, tmp_path) == made


@pytest.mark.parametrize(
    "made",
    [
        "errors a-model en 0.05/5",
        "targets a-model en",
        "models en 0.3/15 a-model a-model",
        "by-recording a-model en",
        "cuts a-model en",
    ],
)
def test_every_kind_of_table_can_be_made(tmp_path: Path, made: str) -> None:
    groups = ("read", "long form", "telephone prompts")
    rows = (row for group in groups for row in results(1, 2, 3, group=group).rows)
    named = tuple(Row(str(at), *_rest(row)) for at, row in enumerate(rows))
    write(tmp_path / "a-model-en.jsonl", Results(results().head, named))
    lines = tables.with_tables(f"<!-- made: {made} --><!-- end -->", tmp_path).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len({line.count("|") for line in table}) == 1
    assert len(table) > 3


def test_a_recording_that_context_makes_worse_is_counted_and_named(tmp_path: Path) -> None:
    better, worse = results(5, 5).rows
    live = LIVE[0].name
    for row, errors in ((better, 3), (worse, 9)):
        row.scores[live] = Score(0, 0, errors, 1, 20)
    write(tmp_path / "a-model-en.jsonl", Results(results().head, (better, worse)))
    made = [
        tables.with_tables(f"<!-- made: {name} a-model en --><!-- end -->", tmp_path)
        for name in ("by-recording", "worse")
    ]
    assert f"| {live} | 0 | 1 | 0 | 0 | 0 | 1 | 0 |" in made[0]
    assert f"| {LIVE[1].name} | 0 | 0 | 0 | 2 | 0 | 0 | 0 |" in made[0]
    assert "| 1 | read | 10 | 5 | 5, 9 | 5, 5 | 5, 5 |" in made[1]
    assert "| 0 | read |" not in made[1]


def _rest(row: Row) -> tuple[str, float, int, dict[str, Score]]:
    return row.group, row.seconds, row.words, row.scores


def test_a_table_whose_results_are_not_kept_is_left_as_it_is(tmp_path: Path) -> None:
    page = "<!-- made: summary en a-model -->\nby hand\n<!-- end -->"
    assert tables.with_tables(page, tmp_path) == page


def test_the_tables_of_the_page_are_those_of_the_kept_results() -> None:
    page = tables.PAGE.read_text("utf-8")
    assert tables.with_tables(page) == page


class Counting:
    """The scripted engine; counts what it is asked."""

    def __init__(self) -> None:
        self._engine = scripted.load()
        self.capabilities = self._engine.capabilities
        self.asked = 0

    def warm_up(self) -> None:
        """Nothing to do."""

    def decode(self, batch: Sequence[DecodeRequest]) -> list[Hypothesis]:
        """What the scripted engine says."""
        self.asked += len(batch)
        return self._engine.decode(batch)


def test_an_engine_is_asked_once_and_what_it_took_is_remembered(tmp_path: Path) -> None:
    engine = Counting()
    request = DecodeRequest(sing("alfa bravo"), "final", "en")
    (tmp_path / "model").mkdir()
    found = []
    for _ in range(2):
        with open_cache(tmp_path / "answers.sqlite") as cache:
            timed = TimedEngine("scripted", engine, tmp_path / "model", cache)
            found.append((timed.decode(request), timed.cpu))
    assert engine.asked == 1
    assert found[0] == found[1]
    assert found[0][0].text.split() == ["alfa", "bravo"]


def test_another_file_of_the_model_or_another_request_is_another_answer(tmp_path: Path) -> None:
    engine = Counting()
    (tmp_path / "weights").write_text("one")
    audio = sing("alfa bravo")
    with open_cache(tmp_path.parent / f"{tmp_path.name}.sqlite") as cache:
        TimedEngine("scripted", engine, tmp_path, cache).decode(DecodeRequest(audio, "final", "en"))
        (tmp_path / "weights").write_text("two")
        again = TimedEngine("scripted", engine, tmp_path, cache)
        again.decode(DecodeRequest(audio, "final", "en"))
        again.decode(DecodeRequest(audio, "partial", "en"))
    assert engine.asked == 3


def test_what_is_kept_survives_the_program(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "answers.sqlite"
    kept = Kept(Hypothesis(" alfa", (), "en", 0.5), 0.25)
    with open_cache(path) as cache:
        cache.keep(b"key", kept)
    with open_cache(path) as cache:
        assert cache.find(b"key") == kept
        assert cache.find(b"other") is None
