import numpy as np

from vivavoce.recognition.contract import SAMPLE_RATE
from vivavoce.recognition.engines.sherpa_words import Heard, hypothesis

SECONDS = np.random.default_rng(0).normal(0, 0.1, 2 * SAMPLE_RATE).astype(np.float32)


def test_tokens_with_a_space_begin_words() -> None:
    heard = Heard("hello there.", (" hel", "lo", " there", "."), (0.1, 0.3, 0.9, 1.2), ())
    found = hypothesis(heard, SECONDS, "en")
    assert [word.text for word in found.words] == [" hello", " there."]
    assert found.text == " hello there."
    assert found.words[0].start < found.words[0].end <= found.words[1].start


def test_the_sign_of_sentence_pieces_is_a_space_too() -> None:
    heard = Heard("good day", ("▁go", "od", "▁day"), (0.1, 0.3, 0.9), ())
    assert [word.text for word in hypothesis(heard, SECONDS, "en").words] == [" good", " day"]


def test_characters_of_scripts_without_spaces_are_words_each() -> None:
    heard = Heard("你好", ("你", "好"), (0.1, 0.6), ())
    assert [word.text for word in hypothesis(heard, SECONDS, "zh").words] == [" 你", " 好"]


def test_where_tokens_do_not_spell_the_text_its_own_words_count() -> None:
    heard = Heard("Twenty one", (" 2", "1"), (0.1, 0.6), (-1.0, -1.0))
    found = hypothesis(heard, SECONDS, "en")
    assert [word.text for word in found.words] == [" Twenty", " one"]
    assert found.words[0].end <= found.words[1].start


def test_confidence_is_the_mean_probability_of_the_tokens() -> None:
    sure, unsure = float(np.log(0.9)), float(np.log(0.4))
    heard = Heard("a bc", (" a", " b", "c"), (0.1, 0.5, 0.8), (sure, unsure, unsure))
    found = hypothesis(heard, SECONDS, "en")
    assert [round(word.confidence, 6) for word in found.words] == [0.9, 0.4]
    assert round(found.confidence, 6) == round((0.9 * 0.4 * 0.4) ** (1 / 3), 6)


def test_a_model_that_tells_no_probabilities_is_taken_at_its_word() -> None:
    found = hypothesis(Heard("a b", (" a", " b"), (), ()), SECONDS, "en")
    assert found.confidence == 1.0
    assert all(word.end > word.start for word in found.words)


def test_the_language_it_heard_goes_before_the_one_it_was_asked_for() -> None:
    heard = Heard("ja", (" ja",), (0.1,), (), "de")
    assert hypothesis(heard, SECONDS, "en").language == "de"


def test_nothing_heard_is_nothing_said() -> None:
    found = hypothesis(Heard(" ", (), (), ()), SECONDS, "en")
    assert (found.text, found.words, found.confidence) == ("", (), 0.0)
