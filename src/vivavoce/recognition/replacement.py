"""Bytes of tokens to text, without the character that stands for what cannot be read.

A decoder that is cut off, or that guesses, writes bytes that are no character. No reader can do
anything with U+FFFD, so that it never leaves an engine.
"""

import msgspec

from vivavoce.recognition.contract import Hypothesis

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def readable(spelled: bytes) -> str:
    """Decode UTF-8; bytes that are no character, and U+FFFD itself, are left out."""
    return without(spelled.decode("utf-8", "ignore"))


def without(text: str) -> str:
    """The text without replacement characters."""
    return text.replace(REPLACEMENT, "")


def cleaned(hypothesis: Hypothesis) -> Hypothesis:
    """A hypothesis without replacement characters; words of nothing else are dropped."""
    if REPLACEMENT not in hypothesis.text and not any(
        REPLACEMENT in word.text for word in hypothesis.words
    ):
        return hypothesis
    words = (msgspec.structs.replace(word, text=without(word.text)) for word in hypothesis.words)
    kept = tuple(word for word in words if word.text.strip())
    text = without(hypothesis.text)
    return msgspec.structs.replace(
        hypothesis, text=text if text.strip() else "", words=kept if text.strip() else ()
    )
