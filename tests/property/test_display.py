"""Stable words are kept whatever the engine says next."""

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.recognition.contract import SpokenWord
from vivavoce.session.display import View, followed


@st.composite
def hypotheses(draw: st.DrawFn) -> list[tuple[list[SpokenWord], int]]:
    """What an engine might say of an utterance that grows: few words, so that some agree."""
    length, heard = 0, []
    for _ in range(draw(st.integers(1, 12))):
        length += draw(st.integers(1_000, 16_000))
        count = draw(st.integers(0, 8))
        places = sorted(draw(st.lists(st.integers(0, length), min_size=2 * count, max_size=2 * count)))
        words = [
            SpokenWord(
                " " + draw(st.sampled_from(("go", "Go.", "no", "so,", "…"))),
                places[2 * at],
                places[2 * at + 1],
                draw(st.sampled_from((0.1, 0.4, 0.7, 0.99))),
            )
            for at in range(count)
        ]
        heard.append((words, length))
    return heard


@given(hypotheses())
def test_words_once_stable_begin_every_later_view(said: list[tuple[list[SpokenWord], int]]) -> None:
    view = View()
    for words, length in said:
        before, view = view, followed(view, words, length)
        assert view.words[: before.stable] == before.stable_words
        assert view.stable >= before.stable


@given(hypotheses())
def test_places_never_run_backwards_and_the_text_is_the_joined_words(
    said: list[tuple[list[SpokenWord], int]],
) -> None:
    view = View()
    for words, length in said:
        view = followed(view, words, length)
        places = [place for word in view.words for place in (word.start, word.end)]
        assert places == sorted(places)
        assert view.text == "".join(word.text for word in view.words)


@given(hypotheses())
def test_nothing_is_shown_that_was_not_heard(said: list[tuple[list[SpokenWord], int]]) -> None:
    view = View()
    for words, length in said:
        stable = view.stable
        view = followed(view, words, length)
        assert {word.text for word in view.words[stable:]} <= {word.text for word in words}
