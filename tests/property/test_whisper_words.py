"""Words of any tokens: nothing is lost, nothing is told twice."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.recognition.engines.whisper_words import words_of

SCRIPTS = "aéßñЖδ今日本はカ한글ไทที่ไما هשם नम 0123,.!?¿¡「」()\"'-♪ \u0301\u200d🎵"

texts = st.text(st.sampled_from(SCRIPTS), max_size=40)


@st.composite
def cut_texts(draw: st.DrawFn) -> tuple[str, list[bytes]]:
    """A text and its bytes cut anywhere, through characters too."""
    text = draw(texts)
    data = text.encode()
    cuts = sorted(draw(st.sets(st.integers(0, len(data)), max_size=12)) | {0, len(data)})
    return text, [data[a:b] for a, b in pairwise(cuts)]


@given(cut_texts(), st.booleans())
def test_joined_words_are_the_text_but_for_spaces(
    cut: tuple[str, list[bytes]],
    spaced: bool,  # noqa: FBT001 - drawn
) -> None:
    text, pieces = cut
    joined = "".join(word.text for word in words_of(pieces, spaced=spaced))
    if any(character.isalnum() for character in text):
        assert "".join(joined.split()) == "".join(text.split())
        assert joined[0] == " "
        assert "  " not in joined
    else:
        assert joined == ""


@given(cut_texts(), st.booleans())
def test_every_word_sounds_and_has_tokens_of_its_own_in_order(
    cut: tuple[str, list[bytes]],
    spaced: bool,  # noqa: FBT001 - drawn
) -> None:
    words = words_of(cut[1], spaced=spaced)
    positions = [at for word in words for at in word.tokens]
    assert positions == sorted(set(positions))
    assert all(word.tokens for word in words)
    assert all(any(character.isalnum() for character in word.text) for word in words)


@given(cut_texts())
def test_with_spaces_every_word_begins_with_its_only_space(cut: tuple[str, list[bytes]]) -> None:
    for word in words_of(cut[1], spaced=True):
        assert word.text[0] == " "


@given(st.lists(st.binary(max_size=5), max_size=20), st.booleans())
def test_any_bytes_can_be_read(pieces: list[bytes], spaced: bool) -> None:  # noqa: FBT001 - drawn
    words_of(pieces, spaced=spaced)
