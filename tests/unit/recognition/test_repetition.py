import pytest

from vivavoce.recognition.repetition import compressibility, without_loop


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("abc", "abc"),
        ("abcabc", "abcabc"),  # twice is emphasis
        ("abcabcabc", "abc"),
        ("xyaaaa", "xya"),
        ("xyababab", "xyab"),
        ("xyabababa", "xyab"),
        ("aaab", "aaab"),
    ],
)
def test_a_phrase_that_goes_round_at_the_end_is_kept_once(text: str, kept: str) -> None:
    tokens = [ord(character) for character in text]
    assert text[: without_loop(tokens)] in {kept, kept + kept[-1:]}


def test_a_loop_compresses_better_than_anything_said() -> None:
    said = "It was the best of times, it was the worst of times, it was the age of wisdom."
    assert compressibility(said) < 2.4
    assert compressibility("Thank you for watching. " * 8) > 2.4
    assert compressibility("") == 0
