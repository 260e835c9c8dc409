"""Stable words are kept whatever the engine says next."""

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.recognition.contract import SpokenWord
from vivavoce.session.display import View, followed

Said = list[tuple[list[SpokenWord], int]]

_WORDS = st.lists(
    st.tuples(
        st.sampled_from((" go", " Go.", " no", " …")),
        st.sampled_from((0, 300, 4_000)),  # samples before it
        st.sampled_from((0, 1_500, 9_000)),  # and its own
        st.sampled_from((0.1, 0.4, 0.7, 0.99)),
    ),
    max_size=5,
)


def _placed(words: list[tuple[str, int, int, float]], length: int) -> list[SpokenWord]:
    placed: list[SpokenWord] = []
    end = 0
    for text, gap, duration, confidence in words:
        start, end = min(end + gap, length), min(end + gap + duration, length)
        placed.append(SpokenWord(text, start, end, confidence))
    return placed


hypotheses = st.lists(_WORDS, min_size=1, max_size=7).map(
    lambda each: [
        (_placed(words, 6_000 * (at + 1)), 6_000 * (at + 1)) for at, words in enumerate(each)
    ]
)
"""What an engine might say of an utterance that grows: of few words, so that some agree."""


@given(hypotheses)
def test_words_once_stable_begin_every_later_view(said: Said) -> None:
    view = View()
    for words, length in said:
        before, view = view, followed(view, words, length)
        assert view.words[: before.stable] == before.stable_words
        assert view.stable >= before.stable


@given(hypotheses)
def test_places_never_run_backwards_and_the_text_is_the_joined_words(
    said: Said,
) -> None:
    view = View()
    for words, length in said:
        view = followed(view, words, length)
        places = [place for word in view.words for place in (word.start, word.end)]
        assert places == sorted(places)
        assert view.text == "".join(word.text for word in view.words)


@given(hypotheses)
def test_nothing_is_shown_that_was_not_heard(said: Said) -> None:
    view = View()
    for words, length in said:
        stable = view.stable
        view = followed(view, words, length)
        assert {word.text for word in view.words[stable:]} <= {word.text for word in words}
