"""What of an open utterance is shown, and what is stable."""

from vivavoce.recognition.contract import SAMPLE_RATE, SpokenWord
from vivavoce.session.display import View, followed


def said(text: str, *, sure: float = 0.95, last: float | None = None) -> list[SpokenWord]:
    """Words of half a second each; ``last`` is how sure the last one is."""
    half = SAMPLE_RATE // 2
    words = [
        SpokenWord(f" {word}", at * half, (at + 1) * half, sure)
        for at, word in enumerate(text.split())
    ]
    if last is not None:
        words[-1] = SpokenWord(words[-1].text, words[-1].start, words[-1].end, last)
    return words


def after(*heard: tuple[list[SpokenWord], float]) -> View:
    view = View()
    for words, length in heard:
        view = followed(view, words, round(length * SAMPLE_RATE))
    return view


def test_a_sure_word_is_shown_as_soon_as_it_is_heard() -> None:
    assert after((said("good morning"), 1.0)).text == " good morning"


def test_a_doubted_last_word_waits_and_hides_no_word_before_it() -> None:
    assert after((said("good morning", last=0.4), 1.0)).text == " good"


def test_words_after_a_doubted_one_wait_with_it() -> None:
    words = [*said("good", last=0.2), *said("good morning")[1:]]
    assert after((words, 1.0)).text == ""


def test_what_two_hypotheses_agree_on_is_shown_though_it_is_doubted() -> None:
    words = said("good morning", sure=0.2)
    assert after((words, 1.1)).text == ""
    assert after((words, 1.1), (words, 1.6)).text == " good morning"


def test_a_word_that_is_shown_stays_while_it_is_heard_again() -> None:
    view = after((said("good morning"), 1.0), (said("good morning", last=0.1), 1.05))
    assert view.text == " good morning"


def test_a_word_is_stable_once_two_agree_and_enough_was_heard_after_it() -> None:
    words = said("good morning everyone")
    assert after((words, 1.5)).stable == 0
    assert after((words, 1.5), (words, 1.6)).stable == 2


def test_the_last_word_is_never_stable_for_its_full_stop_may_be_wrong() -> None:
    words = said("good morning")
    assert after((words, 1.5), (words, 1.8), (words, 2.1)).stable == 1


def test_a_stable_word_stays_when_a_later_hypothesis_has_another() -> None:
    words = said("good morning everyone")
    view = after((words, 1.5), (words, 1.8), (said("could mourning every one"), 2.1))
    assert view.text == " good morning every one"


def test_words_before_the_stable_ones_end_are_dropped_when_they_disagree() -> None:
    words = said("good morning everyone")
    again = said("oh good morning all")
    view = after((words, 1.5), (words, 1.6), (again, 2.1))
    assert view.text == " good morning morning all"  # by place: the later two lie behind
    assert [word.start for word in view.words] == [0, 8000, 16000, 24000]


def test_a_changed_mark_or_capital_is_no_disagreement() -> None:
    first, second = said("good morning. Everyone"), said("good morning, everyone")
    view = after((first, 1.5), (second, 1.6))
    assert (view.stable, view.text) == (2, " good morning, everyone")


def test_no_words_show_nothing_and_stable_ones_outlast_an_empty_hypothesis() -> None:
    words = said("good morning everyone")
    assert after(([], 1.0)) == View()
    assert after((words, 1.5), (words, 1.6), ([], 2.0)).text == " good morning"
