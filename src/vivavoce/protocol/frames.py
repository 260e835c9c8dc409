"""Messages as text frames that every client takes: below 1 MiB, however long the session was.

The published clients drop the line at a larger frame, come back, and would get it again. Only the
closing messages grow with a session; what they leave out stands in the ``transcript`` messages
that went before, and in the stored result.
"""

from bisect import bisect_right
from collections.abc import Iterator

import msgspec

from vivavoce.protocol.messages import Message, PostFinalTranscript, PostTranscript, encode
from vivavoce.protocol.transcript import Transcription

MAX_FRAME_BYTES = (1 << 20) - 1

ELLIPSIS = " …"
"""What a transcript ends with that had to be cut."""


def to_frame(message: Message, limit: int = MAX_FRAME_BYTES) -> bytes:
    """The message as JSON of at most ``limit`` bytes.

    Where the whole does not fit, these are left out, one after the other until it fits: the words
    of the utterances, the utterances, the end of the full transcript.
    """
    encoded = encode(message)
    if len(encoded) <= limit:
        return encoded
    for leaner in _leaner(message, limit):
        encoded = encode(leaner)
        if len(encoded) <= limit:
            break
    return encoded


def _leaner(message: Message, limit: int) -> Iterator[Message]:
    """Ever smaller forms of a closing message; nothing for the others, which cannot grow."""
    found = _transcription(message)
    if found is None:
        return
    bare = tuple(msgspec.structs.replace(one, words=()) for one in found.utterances)
    yield _with(message, msgspec.structs.replace(found, utterances=bare))
    text = msgspec.structs.replace(found, utterances=())
    yield _with(message, text)
    nothing = _with(message, msgspec.structs.replace(text, full_transcript=""))
    cut = _cut(found.full_transcript, limit - len(encode(nothing)))
    yield _with(message, msgspec.structs.replace(text, full_transcript=cut))


def _transcription(message: Message) -> Transcription | None:
    match message:
        case PostTranscript():
            return message.data
        case PostFinalTranscript() if isinstance(message.data.transcription, Transcription):
            return message.data.transcription
        case _:
            return None


def _with(message: Message, found: Transcription) -> Message:
    if isinstance(message, PostFinalTranscript):
        result = msgspec.structs.replace(message.data, transcription=found)
        return msgspec.structs.replace(message, data=result)
    return msgspec.structs.replace(message, data=found)


def _cut(text: str, room: int) -> str:
    """The longest beginning, up to a word's end, that takes at most ``room`` bytes of JSON."""
    spare = room - len(ELLIPSIS.encode())
    quotes = 2
    fitting = bisect_right(
        range(len(text) + 1), spare, key=lambda length: len(encode(text[:length])) - quotes
    )
    return text[: max(fitting - 1, 0)].rpartition(" ")[0] + ELLIPSIS
