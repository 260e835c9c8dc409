"""The vocabulary, with a small one of Whisper's kind: bytes, and what steers the decoder."""

from pathlib import Path

import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from vivavoce.recognition.engines.whisper_tokens import WhisperTokenizer
from vivavoce.recognition.model_errors import ModelError

STEERING = (
    "<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|yue|>", "<|translate|>",
    "<|transcribe|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>",
)  # fmt: skip


def small_vocabulary(*steering: str) -> Tokenizer:
    """All bytes, no merges."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({piece: at for at, piece in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in steering])
    return tokenizer


@pytest.fixture
def tokenizer() -> WhisperTokenizer:
    return WhisperTokenizer(small_vocabulary(*STEERING))


@pytest.mark.parametrize("text", [" Good morning.", " Grüß Gott", " 你好 мир", " \x00\xad\xff"])
def test_every_byte_comes_back(tokenizer: WhisperTokenizer, text: str) -> None:
    words = tokenizer.words(tokenizer.encode(text), "en")
    assert "".join(word.text for word in words) == text


def test_the_languages_are_those_of_the_vocabulary(tokenizer: WhisperTokenizer) -> None:
    assert tokenizer.languages == {"en", "yue"}


def test_a_transcript_begins_with_its_language(tokenizer: WhisperTokenizer) -> None:
    assert tokenizer.start("yue") == [257, 259, 261, 264]


def test_a_model_of_one_language_is_not_told_which(tokenizer: WhisperTokenizer) -> None:
    assert tokenizer.start(None) == [257, 264]


def test_chinese_is_led_to_simplified_characters(tokenizer: WhisperTokenizer) -> None:
    marked, *said = tokenizer.manner("zh")
    assert marked == 262
    assert "".join(word.text for word in tokenizer.words(said, "zh")) == " 以下是普通话的句子。"
    assert tokenizer.manner("en") == tokenizer.manner(None) == []


def test_steering_tokens_spell_nothing(tokenizer: WhisperTokenizer) -> None:
    tokens = [*tokenizer.start("en"), *tokenizer.encode(" so"), 256, 999_999]
    assert [word.text for word in tokenizer.words(tokens, "en")] == [" so"]


def test_chinese_is_not_divided_at_spaces(tokenizer: WhisperTokenizer) -> None:
    tokens = tokenizer.encode("你好")
    assert [word.text for word in tokenizer.words(tokens, "yue")] == [" 你", "好"]
    assert [word.text for word in tokenizer.words(tokens, "en")] == [" 你好"]


def test_a_folder_without_a_vocabulary_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"tokenizer\.json"):
        WhisperTokenizer.load(tmp_path)


def test_another_models_vocabulary_is_refused(tmp_path: Path) -> None:
    small_vocabulary("<|endoftext|>").save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(ModelError, match="not the vocabulary of a Whisper model"):
        WhisperTokenizer.load(tmp_path)
