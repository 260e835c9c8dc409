"""Decoding of token bytes to text without replacement characters.

A decoder that is cut off, or that guesses, writes bytes that are not valid UTF-8. U+FFFD is of no
use to a reader, so it is removed from every hypothesis.
"""

import msgspec

from vivavoce.recognition.contract import Hypothesis

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def readable(spelled: bytes) -> str:
    """Decode UTF-8, leaving out invalid bytes and U+FFFD itself."""
    return without(spelled.decode("utf-8", "ignore"))


def without(text: str) -> str:
    """Return the text without replacement characters."""
    return text.replace(REPLACEMENT, "")


def cleaned(hypothesis: Hypothesis) -> Hypothesis:
    """Return a hypothesis without replacement characters; words that become blank are dropped."""
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
