"""How finals read one after the other: what is known of a text when it leaves."""

import re

import msgspec

from vivavoce.recognition.contract import SAMPLE_RATE, Hypothesis

SPOKEN_UP_TO = SAMPLE_RATE // 10
"""Speech that ends no further from a forced cut was cut in mid-sentence, not in a pause."""

_STOP = re.compile(r"[\s.\u2026\u3002]+$")


def unfinished(answer: Hypothesis | None, length: int) -> Hypothesis | None:
    """The text of an utterance that was cut off at ``length`` samples and goes on in the next.

    An engine ends every text with a full stop; here it would stand in the middle of a sentence.
    """
    if answer is None or not answer.words or answer.words[-1].end < length - SPOKEN_UP_TO:
        return answer
    last = answer.words[-1]
    word = msgspec.structs.replace(last, text=_STOP.sub("", last.text))
    if not word.text.strip():
        return answer
    return msgspec.structs.replace(
        answer, text=_STOP.sub("", answer.text), words=(*answer.words[:-1], word)
    )
